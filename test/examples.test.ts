import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import ts from "typescript"
import { afterAll, expect, test } from "vitest"

/** Below dist, so that "resdet" is this package. */
const folder = mkdtempSync(resolve("dist", "examples-"))
afterAll(() => rmSync(folder, { recursive: true }))

test("the examples pass the type checker", () => {
  const files = readdirSync("examples").map((name) => join("examples", name))
  const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd())
  const faults = ts.getPreEmitDiagnostics(ts.createProgram(files, { ...options, noEmit: true }))
  expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([])
})

test("own data and an own backbone go through training, evaluation, export and detection in 40 lines", () => {
  const text = readFileSync("examples/own-data.ts", "utf8")
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(40)
  const compiler = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  writeFileSync(join(folder, "own-data.mjs"), ts.transpileModule(text, { compilerOptions: compiler }).outputText)
  const { status, stdout, stderr } = spawnSync(process.execPath, ["own-data.mjs"], { cwd: folder, encoding: "utf8" })
  expect(stderr).toBe("")
  expect(status).toBe(0)
  expect(stdout).toMatch(/^step 20: loss \d\.\d+\n/)
  // What the loss falls to and the score say that it learned: an untrained one has an AP50 of 0.
  expect(Number(/AP50 (\S+)/.exec(stdout)![1])).toBeGreaterThan(0.5)
  expect(["own-run", "own.onnx", "found.jpg"].filter((name) => existsSync(join(folder, name)))).toHaveLength(3)
}, 120_000)
