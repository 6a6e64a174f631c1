import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { z } from "zod"
import { UsageError } from "../../src/core/errors.js"
import { type ConfigSources, parseOptions, resolveConfig } from "../../src/tasks/config.js"
import { option } from "../../src/tasks/option.js"

const schema = z.strictObject({
  data: option(z.string().default("here"), { help: "the data", path: "joined" }),
  weights: option(z.string().optional(), { help: "the weights", path: "single" }),
  lr: z.number().positive().default(0.02),
  epochs: z.int().min(1).default(12),
  schedule: option(z.enum(["step", "cosine"]).default("step"), {
    help: "how it falls",
    formerly: ["shape", "rpn.shape"],
  }),
  rpn: z.strictObject({ nms: z.number().max(1).default(0.7), sizes: z.array(z.number()).default([32]) }).prefault({}),
})

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-config-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const options = (sources: ConfigSources) => resolveConfig(schema, sources).options

function complaint(sources: ConfigSources): string {
  try {
    resolveConfig(schema, sources)
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as Error).message.replaceAll(`${folder}/`, "")
  }
  throw new Error("nothing was refused")
}

test("without sources the defaults hold", () => {
  expect(options({})).toEqual({
    data: "here",
    lr: 0.02,
    epochs: 12,
    schedule: "step",
    rpn: { nms: 0.7, sizes: [32] },
  })
})

test("a flag wins over the file, and --set over the flag", () => {
  const yaml = file("order.yaml", "lr: 0.1\nepochs: 3\nschedule: cosine\n")
  const config = options({ file: yaml, flags: { lr: 0.2, epochs: 4 }, sets: ["lr=0.3"] })
  expect([config.lr, config.epochs, config.schedule]).toEqual([0.3, 4, "cosine"])
})

test("a flag that is not given leaves the file's value", () => {
  expect(options({ file: file("a.json", '{"lr": 0.1}'), flags: { lr: undefined } }).lr).toBe(0.1)
})

test("--set changes one name of a group and reads lists", () => {
  const yaml = file("group.yaml", "rpn:\n  nms: 0.5\n")
  const { rpn } = options({ file: yaml, sets: ["rpn.sizes=[16, 64]"] })
  expect(rpn).toEqual({ nms: 0.5, sizes: [16, 64] })
})

test("paths in a file are relative to the file, and flags stay as they are", () => {
  mkdirSync(join(folder, "deep"), { recursive: true })
  const yaml = file("deep/paths.yaml", "data: ../a+b\nweights: w.safetensors\n")
  const fromFile = options({ file: yaml })
  expect(fromFile.weights).toBe(join(folder, "deep/w.safetensors"))
  expect(fromFile.data).toBe(`${join(folder, "a")}+${join(folder, "deep/b")}`)
  expect(options({ file: yaml, flags: { data: "x" } }).data).toBe("x")
})

test("an empty file is no options", () => {
  expect(options({ file: file("empty.yaml", "# nothing\n") }).lr).toBe(0.02)
})

test("an unknown key names its file and the nearest known key", () => {
  expect(complaint({ file: file("c.yaml", "epoch: 3\n") })).toBe(
    'c.yaml: unknown option "epoch". Did you mean "epochs"? Known: data, weights, lr, epochs, schedule, rpn',
  )
})

test("an unknown key inside a group is named with its group", () => {
  expect(complaint({ sets: ["rpn.nsm=0.5"] })).toBe(
    '--set rpn.nsm=0.5: unknown option "rpn.nsm". Did you mean "nms"? Known: nms, sizes',
  )
})

test.each([
  ["lr: -1", "c.yaml: expected lr to be a number above 0, got -1"],
  ["lr: fast", 'c.yaml: expected lr to be a number, got "fast"'],
  ["lr: 1e-3x", 'c.yaml: expected lr to be a number, got "1e-3x"'],
  ["epochs: 0", "c.yaml: expected epochs to be a number of at least 1, got 0"],
  ["epochs: 1.5", "c.yaml: expected epochs to be a whole number, got 1.5"],
  ["schedule: cosin", 'c.yaml: expected schedule to be one of step, cosine, got "cosin". Did you mean "cosine"?'],
  ["rpn: { nms: 2 }", "c.yaml: expected rpn.nms to be a number of at most 1, got 2"],
  ["rpn: { sizes: [1, b] }", 'c.yaml: expected rpn.sizes.1 to be a number, got "b"'],
  ["weights: 3", "c.yaml: expected weights to be a string, got 3"],
  ["rpn: 3", "c.yaml: expected rpn to be a group of names, got 3"],
  ["- 1", 'c.yaml: expected "name: value" lines, got [1]'],
  [
    "a: [",
    "c.yaml: Flow sequence in block collection must be sufficiently indented and end with a ] at line 1, column 5",
  ],
])("the file %j is refused: %s", (text, line) => {
  expect(complaint({ file: file("c.yaml", text) })).toBe(line)
})

test("a bad flag is named", () => {
  expect(complaint({ flags: { lr: 0 } })).toBe("--lr: expected a number above 0, got 0")
})

test("a bad value in a file is laid on the file although --set changes its neighbour", () => {
  const yaml = file("c.yaml", "rpn:\n  nms: 2\n")
  expect(complaint({ file: yaml, sets: ["rpn.sizes=[1]"] })).toMatch(/^c\.yaml: expected rpn\.nms/)
})

test("a missing file, and a --set without a value, are refused", () => {
  expect(complaint({ file: join(folder, "none.yaml") })).toBe("none.yaml: cannot read the config file (ENOENT)")
  expect(complaint({ sets: ["lr"] })).toMatch(/^--set lr: expected name=value/)
  expect(complaint({ sets: ["lr.x=1"], flags: { lr: 1 } })).toBe("--set lr.x=1: lr holds 1, not names of its own")
})

test("a key called __proto__ is an unknown option like any other", () => {
  expect(complaint({ file: file("p.json", '{"__proto__": {"lr": 1}}') })).toMatch(/unknown option "__proto__"/)
})

test("a value that must be given says that it is missing", () => {
  const needy = z.strictObject({ model: option(z.string(), { help: "which network", value: "name" }) })
  expect(() => resolveConfig(needy, { command: "train" })).toThrow(/^train needs --model <name>: which network$/)
  expect(() => parseOptions("trainDetector", needy, {} as { model: string })).toThrow(
    /^trainDetector needs "model": which network$/,
  )
})

test("an old name still works, in files, flags and --set, and is answered with the new one", () => {
  const yaml = file("old.yaml", "shape: cosine\n")
  expect(resolveConfig(schema, { file: yaml })).toMatchObject({
    options: { schedule: "cosine" },
    notices: [`${yaml}: "shape" is now called "schedule"`],
  })
  expect(resolveConfig(schema, { flags: { shape: "cosine" } })).toMatchObject({
    options: { schedule: "cosine" },
    notices: ['--shape: "shape" is now called "schedule"'],
  })
  expect(resolveConfig(schema, { sets: ["rpn.shape=cosine"] }).options.schedule).toBe("cosine")
})

test("a file may name the schema that editors check it by", () => {
  expect(options({ file: file("s.yaml", "$schema: ./train.json\nlr: 0.5\n") }).lr).toBe(0.5)
})

test("a program's options get the same errors, and undefined is not given", () => {
  expect(parseOptions("f", schema, { lr: undefined }).lr).toBe(0.02)
  expect(() => parseOptions("f", schema, { lr: -1 })).toThrow(/^f: expected lr to be a number above 0, got -1$/)
  expect(() => parseOptions("f", schema, { epoch: 3 } as object)).toThrow(
    /^f: unknown option "epoch"\. Did you mean "epochs"\?/,
  )
})
