import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { basename, join, resolve } from "node:path"
import { text } from "node:stream/consumers"
import { globSync } from "tinyglobby"
import ts from "typescript"
import { afterAll, expect, test } from "vitest"
import { encodeImage } from "../datasets/image/encode.js"
import type { RgbImage } from "../datasets/image/rgb.js"
import { seededRandom } from "../src/core/random.js"
import { startEngine } from "../src/engine/start.js"
import { png, vocFile, vocObject, writeFiles } from "./datasets/samples.js"
import { slowTest } from "./support/slow-test.js"
import { saveUntrained } from "./support/untrained-detector.js"

/** Below dist, so that "resdet" is this package. */
const folder = mkdtempSync(resolve("dist", "examples-"))
afterAll(() => rmSync(folder, { recursive: true }))

/** Makes JavaScript of an example. */
function compile(name: string): void {
  const text = readFileSync(join("examples", name), "utf8")
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  const file = join(folder, `${basename(name, ".ts")}.mjs`)
  writeFileSync(file, ts.transpileModule(text, { compilerOptions }).outputText)
}

test("the examples pass the type checker", () => {
  const files = globSync("examples/**/*.ts")
  expect(files).toHaveLength(4)
  const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd())
  const faults = ts.getPreEmitDiagnostics(ts.createProgram(files, { ...options, noEmit: true }))
  expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([])
})

test("own data and an own backbone go through training, evaluation, export and detection in 40 lines", () => {
  const text = readFileSync("examples/own-data.ts", "utf8")
  expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(40)
  compile("own-data.ts")
  const { status, stdout, stderr } = spawnSync(process.execPath, ["own-data.mjs"], { cwd: folder, encoding: "utf8" })
  expect(stderr).toBe("")
  expect(status).toBe(0)
  expect(stdout).toMatch(/^step 20: loss \d\.\d+\n/)
  // What the loss falls to and the score say that it learned: an untrained one has an AP50 of 0.
  expect(Number(/AP50 (\S+)/.exec(stdout)![1])).toBeGreaterThan(0.5)
  expect(["own-run", "own.onnx", "found.jpg"].filter((name) => existsSync(join(folder, name)))).toHaveLength(3)
}, 120_000)

test("the server answers good images as a single call does, refuses bad ones, and stops amid calls", async () => {
  compile("server/server.ts")
  compile("server/load.ts")
  await startEngine()
  saveUntrained({ [join(folder, "tiny.safetensors")]: ["cat", "dog"] }, 3)
  mkdirSync(join(folder, "photos"))
  for (const [i, [width, height]] of [
    [64, 48],
    [40, 90],
  ].entries()) {
    writeFileSync(join(folder, "photos", `${i}.png`), await encodeImage(noise(width!, height!), { format: "png" }))
  }
  const call = ["load.mjs", "tiny.safetensors", "photos", "24"]
  const { status, stdout, stderr } = spawnSync(process.execPath, call, { cwd: folder, encoding: "utf8" })
  expect(stderr).toBe("")
  // Of 24 four are cut off, three no image, and the twelfth is given up.
  expect(stdout).toMatch(
    /^answers: {"equal":16,"refused":7,"given up":1,"wrong":0}\nlongest delay \d+\.\d ms, worst p99 \d+\.\d ms; of an idle process \d+\.\d ms, \d+\.\d ms$/m,
  )
  expect(stdout).toMatch(/^stopped amid calls: answers .*503.*, exit code 0$/m)
  expect(status).toBe(0)
}, 120_000)

slowTest(
  "a tracking server hears the options, the steps, the epochs and the end of a run, and may be away for a while",
  async () => {
    compile("follow/mlflow.ts")
    const truth = vocFile(vocObject("cat", [2, 2, 20, 20]))
    writeFiles(join(folder, "data"), {
      "JPEGImages/a.png": png(40, 30),
      "Annotations/a.xml": truth,
      "ImageSets/Main/train.txt": "a\n",
      "ImageSets/Main/val.txt": "a\n",
    })
    const options = { data: "data", size: 64, batch: 1, epochs: 2, logEvery: 1, out: "followed" }
    writeFileSync(join(folder, "options.json"), JSON.stringify(options))
    const heard: { call: string; body: Record<string, unknown> }[] = []
    let batches = 0
    const answers: Readonly<Record<string, object>> = {
      "experiments/create": { experiment_id: "7" },
      "runs/create": { run: { info: { run_id: "r1" } } },
    }
    const server = createServer(async (request, response) => {
      const call = request.url!.replace("/api/2.0/mlflow/", "")
      const isAway = call === "runs/log-batch" && ++batches === 2
      if (request.method === "GET" || isAway) return response.writeHead(isAway ? 503 : 404).end("{}")
      heard.push({ call, body: JSON.parse(await text(request)) })
      return response.end(JSON.stringify(answers[call] ?? {}))
    })
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready))
    const { port } = server.address() as AddressInfo
    const child = spawn(process.execPath, ["mlflow.mjs", "options.json", `http://127.0.0.1:${port}`], { cwd: folder })
    const said = Promise.all([text(child.stdout), text(child.stderr)])
    const code = await new Promise((ended) => child.on("close", ended))
    server.close()
    const [stdout, stderr] = await said
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^run r1: followed.*\.safetensors\n$/)])
    expect(stderr).toBe(`http://127.0.0.1:${port}/api/2.0/mlflow/runs/log-batch: status 503\n`)
    expect(heard.map(({ call }) => call)).toEqual([
      ...["experiments/create", "runs/create"],
      // The options, epoch 1, step 2, epoch 2; of step 1 the server heard nothing.
      ...Array.from({ length: 4 }, () => "runs/log-batch"),
      "runs/update",
    ])
    const [, created, params, first, second, , end] = heard.map(({ body }) => body)
    expect(created).toMatchObject({ experiment_id: "7" })
    expect(params).toMatchObject({ run_id: "r1", params: expect.arrayContaining([{ key: "size", value: "64" }]) })
    expect(first!.metrics).toContainEqual({
      key: "epoch/seconds",
      value: expect.any(Number),
      step: 1,
      timestamp: expect.any(Number),
    })
    expect(second!.metrics).toContainEqual({
      key: "loss",
      value: expect.any(Number),
      step: 2,
      timestamp: expect.any(Number),
    })
    expect(end).toMatchObject({ run_id: "r1", status: "FINISHED" })
  },
  120_000,
)

function noise(width: number, height: number): RgbImage {
  const random = seededRandom(width)
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => random.integer(256)) }
}
