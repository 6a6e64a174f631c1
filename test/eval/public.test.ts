import { readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { expect, test } from "vitest"
import * as resdetEval from "../../src/eval/public.js"

const root = resolve(import.meta.dirname, "../..")

/** Every module that `file` imports for its values, ours followed; types alone are not loaded. */
function reached(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const source = readFileSync(join(root, file), "utf8")
  for (const [, clause, module] of source.matchAll(/^(?:import|export)\s+([^"]*?)from\s+"([^"]+)"/gms)) {
    if (clause!.startsWith("type ")) continue
    if (module!.startsWith(".")) {
      reached(relative(root, resolve(root, dirname(file), module!.replace(/\.js$/, ".ts"))), seen)
    } else seen.add(module!)
  }
  return seen
}

test.each([
  ["src/eval/public.ts", ["src/core", "src/eval", "src/json"]],
  ["src/eval/cocoapi/public.ts", ["src/core", "src/eval", "src/eval/cocoapi", "src/json"]],
])("%s runs in a browser: no Node module, no TensorFlow, nothing of other rooms", (entry, rooms) => {
  const modules = [...reached(entry)]
  expect(modules).toContain("src/eval/coco-accumulate.ts")
  expect(modules.filter((module) => module.startsWith("node:") || module.includes("tensorflow"))).toEqual([])
  const own = modules.filter((module) => module.startsWith("src/"))
  expect([...new Set(own.map((module) => dirname(module)))].sort()).toEqual(rooms)
  const packages = new Set(modules.filter((module) => !own.includes(module)).map((module) => module.split("/")[0]))
  // Random numbers, in plain JavaScript; and the distance between words, for "did you mean".
  expect([...packages].filter((name) => !["pure-rand", "fastest-levenshtein"].includes(name!))).toEqual([])
})

test("what a user needs is there", () => {
  const records = { images: [{ id: 1 }], categories: [{ id: 1 }], annotations: [] }
  const truths = resdetEval.truthsFromCoco(records)
  expect(resdetEval.evaluateCoco(truths, resdetEval.detectionsFromCoco(truths, [])).summary.AP).toBe(-1)
})
