import { readFileSync } from "node:fs"
import { globSync } from "tinyglobby"
import { expect, test } from "vitest"
import { importFaults } from "./support/import-rules.js"

const faultsOf = (sources: Record<string, string>) => importFaults(new Map(Object.entries(sources)))

test("the sources keep the import rules", () => {
  const files = globSync(["src/**/*.ts", "datasets/**/*.ts"]).sort()
  expect(files.length).toBeGreaterThan(20)
  expect(importFaults(new Map(files.map((file) => [file, readFileSync(file, "utf8")])))).toEqual([])
})

test.each([
  ["boxes", "backbone"],
  ["rpn", "roi"],
  ["core", "boxes"],
  ["eval", "detector"],
  ["weights", "predict"],
  ["detector", "cli"],
  ["train", "tasks"],
  ["tasks", "cli"],
  ["engine", "setup"],
  ["predict", "setup"],
])("%s may not import %s", (room, other) => {
  expect(faultsOf({ [`src/${room}/a.ts`]: `import { b } from "../${other}/b.js"` })).toEqual([
    `src/${room}/a.ts: ${room} imports ${other} (src/${other}/b.ts)`,
  ])
})

test.each([
  ["an export from elsewhere", 'export { b } from "../roi/b.js"'],
  ["an export of everything", 'export * from "../roi/b.js"'],
  ["an import that is awaited", 'const b = await import("../roi/b.js")'],
  ["an import for its effect", 'import "../roi/b.js"'],
  ["a mixed import of a type and a value", 'import { b, type B } from "../roi/b.js"'],
])("%s counts as an import", (_, text) => {
  expect(faultsOf({ "src/rpn/a.ts": text })).toEqual(["src/rpn/a.ts: rpn imports roi (src/roi/b.ts)"])
})

test.each([
  'import type { B } from "../backbone/b.js"',
  'import { type B } from "../backbone/b.js"',
  'export type { B } from "../backbone/b.js"',
  'let b: import("../backbone/b.js").B',
])("rpn may import types, not values, of backbone: %s", (text) => {
  expect(faultsOf({ "src/rpn/a.ts": text })).toEqual([])
  expect(faultsOf({ "src/rpn/a.ts": 'import { B } from "../backbone/b.js"' })).toHaveLength(1)
})

test("types of a room that may not be imported are refused too", () => {
  expect(faultsOf({ "src/rpn/a.ts": 'import type { B } from "../roi/b.js"' })).toEqual([
    "src/rpn/a.ts: rpn imports roi (src/roi/b.ts) as types",
  ])
})

test("the command line and the public names may import everything", () => {
  expect(faultsOf({ "src/index.ts": 'export * from "./roi/b.js"' })).toEqual([])
  expect(faultsOf({ "src/cli/a.ts": 'import "../../datasets/b.js"\nconsole.log(Math.random())' })).toEqual([])
})

test.each(["src/eval/a.ts", "datasets/voc/a.ts"])("%s may not reach TensorFlow, however far round", (path) => {
  const up = path.startsWith("src") ? "../core" : "../../src/core"
  const sources = {
    [path]: `import { b } from "${up}/b.js"`,
    "src/core/b.ts": 'import { c } from "./c.js"',
    "src/core/c.ts": 'import * as tf from "@tensorflow/tfjs-core"',
  }
  expect(faultsOf(sources)).toEqual([
    `${path}: reaches TensorFlow: ${path} -> src/core/b.ts -> src/core/c.ts -> @tensorflow/tfjs-core`,
  ])
  sources["src/core/c.ts"] = 'import type { Tensor } from "@tensorflow/tfjs-core"'
  expect(faultsOf(sources)).toEqual([])
})

test("the room for browsers may not reach Node's modules, however far round", () => {
  const sources = {
    "src/web/a.ts": 'import { b } from "../onnx/b.js"',
    "src/onnx/b.ts": 'import { readFileSync } from "node:fs"',
  }
  expect(faultsOf(sources)).toEqual(["src/web/a.ts: reaches Node: src/web/a.ts -> src/onnx/b.ts -> node:fs"])
})

test("randomness and printing stay in the command line", () => {
  expect(faultsOf({ "src/boxes/a.ts": "console.log(Math.random() + Math.max(1))" })).toEqual([
    "src/boxes/a.ts: uses console outside src/cli",
    "src/boxes/a.ts: uses Math.random outside src/cli",
  ])
})

test("a room has no index.ts, and every file has a room", () => {
  expect(faultsOf({ "src/boxes/index.ts": "", "datasets/index.ts": "", "src/index.ts": "" })).toEqual([
    "src/boxes/index.ts: a room has no index.ts",
    "datasets/index.ts: a room has no index.ts",
  ])
  expect(faultsOf({ "src/misc/a.ts": "", "src/a.ts": "" })).toEqual([
    "src/misc/a.ts: is in no room of the table",
    "src/a.ts: is in no room of the table",
  ])
  expect(faultsOf({ "src/boxes/a.ts": 'import "../../scripts/b.js"' })).toEqual([
    "src/boxes/a.ts: imports scripts/b.ts, which is in no room",
  ])
})
