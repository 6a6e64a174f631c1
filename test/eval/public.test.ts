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

test("the public entry runs in a browser: no Node module, no TensorFlow, nothing of other rooms", () => {
  const modules = [...reached("src/eval/public.ts")]
  expect(modules).toContain("src/eval/coco.ts")
  expect(modules.filter((module) => module.startsWith("node:") || module.includes("tensorflow"))).toEqual([])
  const rooms = new Set(modules.filter((module) => module.includes("/")).map((module) => dirname(module)))
  expect([...rooms].sort()).toEqual(["src/eval", "src/tensor"])
})

test("what a user needs is there", () => {
  const records = { images: [{ id: 1 }], categories: [{ id: 1 }], annotations: [] }
  const truths = resdetEval.truthsFromCoco(records)
  expect(resdetEval.evaluateCoco(truths, resdetEval.detectionsFromCoco(truths, [])).summary.AP).toBe(-1)
})
