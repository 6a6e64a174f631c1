import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { startEngine } from "../../src/engine/start.js"
import { saveDetector } from "../../src/weights/save.js"
import { withOnnxRuntime } from "../support/onnx.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-quiet-"))
afterAll(() => rmSync(folder, { recursive: true }))

const resdet = [process.execPath, join(process.cwd(), "bin", "resdet.js")] as const

/**
 * Runs a program and returns where it connected to, or asked a name server, and what ONNX Runtime's telemetry opened: it makes a
 * number for the device and a database at once, and sends later. Sockets of this machine do not count.
 */
function connections(...program: readonly string[]): string[] {
  const trace = join(folder, "trace")
  const calls = ["-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg,openat", "-o", trace]
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env
  const { status, stderr } = spawnSync("strace", [...calls, ...program], { cwd: folder, env, encoding: "utf8" })
  if (status !== 0) throw new Error(`${program.join(" ")} ended with ${status}: ${stderr}`)
  return readFileSync(trace, "utf8")
    .split("\n")
    .filter((line) => /AF_INET6?\b|\.onnxruntime/.test(line))
}

const canTrace = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0

describe.skipIf(!canTrace)("no connection is opened by", () => {
  beforeAll(async () => {
    await startEngine("wasm")
    const parameters = new Parameters(seededRandom(0))
    const model = "fasterrcnn_resnet18_c4"
    const config = { ...modelDefaults, options: preset("light", model).options, size: 64, maxSize: 64, model }
    buildFasterRcnn(parameters, config, 5)
    const classes = ["disc", "ring", "square", "triangle", "cross"]
    saveDetector(join(folder, "w.safetensors"), parameters, {
      config,
      classes,
      categoryIds: [1, 2, 3, 4, 5],
      training: {},
    })
    parameters.dispose()
    await makeShapes(join(folder, "shapes"), { images: 1, valImages: 1 })
  })

  test.each([
    ["detect", ["--weights", "w.safetensors", "--source", "shapes/JPEGImages"]],
    ["eval", ["--weights", "w.safetensors", "--data", "shapes", "--json", "scores.json"]],
    ["export", ["--weights", "w.safetensors", "--format", "onnx", "--out", "w.onnx"]],
    [
      "train",
      [
        "--data",
        "shapes",
        "--weights",
        "w.safetensors",
        "--size",
        "64",
        "--batch",
        "1",
        "--steps",
        "1",
        "--out",
        "run",
      ],
    ],
  ])("%s", (command, args) => {
    expect(connections(...resdet, command, ...args)).toEqual([])
  })

  test("the tracer sees one that is", () => {
    const lookUp = 'require("node:net").connect(9, "127.0.0.1").on("error", () => {})'
    expect(connections(process.execPath, "-e", lookUp)).not.toEqual([])
  })
})

withOnnxRuntime("ONNX Runtime in a worker thread", () => {
  const code = `
    const { parentPort } = require("node:worker_threads")
    import(${JSON.stringify(new URL("../../dist/src/engine/onnx-runtime.js", import.meta.url).href)})
      .then(({ loadOnnxRuntime }) => loadOnnxRuntime())
      .then(() => parentPort.postMessage("loaded"), ({ message }) => parentPort.postMessage(message))`

  test("loads where the process has the switch, and is refused where native code would not see it", () => {
    const program = `
      const { Worker } = require("node:worker_threads")
      new Worker(${JSON.stringify(code)}, { eval: true, env: { ...process.env, ORT_DISABLE_TELEMETRY: "1" } })
        .on("message", (text) => console.log(text))`
    const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env
    const run = (added: NodeJS.ProcessEnv) =>
      spawnSync(process.execPath, ["-e", program], { env: { ...env, ...added }, encoding: "utf8" }).stdout
    expect(run({})).toMatch(/^ONNX Runtime in a worker thread would send telemetry: import resdet in the main thread/)
    expect(run({ ORT_DISABLE_TELEMETRY: "1" })).toBe("loaded\n")
  })
})
