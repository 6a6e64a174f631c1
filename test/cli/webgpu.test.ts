import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { tiledPng, writeFiles } from "../datasets/samples.js"
import { expectClose } from "../support/close.js"
import { hasWebGpu } from "../support/engines.js"
import { slowTest } from "../support/slow-test.js"
import { saveUntrained } from "../support/untrained-detector.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-webgpu-"))
const at = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true }))

function resdet(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, ["bin/resdet.js", ...args], options)
  return { status, stdout, stderr }
}

describe.skipIf(!(await hasWebGpu()))("--engine webgpu", () => {
  beforeAll(async () => {
    await startEngine()
    saveUntrained({ [at("detector.safetensors")]: ["cat", "dog"] }, 1)
    writeFiles(folder, { "photo.png": tiledPng(64, 48, seededRandom(1)) })
  })

  slowTest("detects what the other engines detect", () => {
    const detected = ["wasm", "webgpu"].map((engine) => {
      const args = ["--weights", at("detector.safetensors"), "--source", at("photo.png"), "--out", at(engine)]
      const options = ["--score", "0.01", "--no-draw", "--engine", engine]
      expect(resdet(["detect", ...args, ...options])).toMatchObject({ status: 0 })
      return JSON.parse(readFileSync(join(at(engine), "detections.jsonl"), "utf8")) as {
        detections: { label: string; score: number; box: number[] }[]
      }
    })
    const [expected, actual] = detected.map(({ detections }) => detections) as unknown as [Detection[], Detection[]]
    expect(expected.length).toBeGreaterThan(2)
    expect(actual.map(({ label }) => label)).toEqual(expected.map(({ label }) => label))
    expectClose(
      of(actual, ({ score }) => score),
      of(expected, ({ score }) => score),
      1e-3,
    )
    expectClose(
      of(actual, ({ box }) => box),
      of(expected, ({ box }) => box),
      1e-3,
    )
  })
})

test("without a GPU one line says so", () => {
  const { status, stdout, stderr } = resdet(["doctor", "--engine", "webgpu"], {
    VK_ICD_FILENAMES: "/nowhere/none.json",
  })
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" })
  expect(stderr).toMatch(/^error: no GPU that WebGPU can use was found\. It takes a Vulkan driver on Linux, /m)
})

interface Detection {
  readonly label: string
  readonly score: number
  readonly box: readonly number[]
}

const of = (detections: readonly Detection[], value: (one: Detection) => number | readonly number[]) =>
  detections.flatMap(value)
