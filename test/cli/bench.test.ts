import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { startEngine } from "../../src/engine/start.js"
import { phases, spread } from "../../src/tasks/bench-phases.js"
import { makePhotos } from "../../src/tasks/bench-photos.js"
import { timeDetector } from "../../src/tasks/bench-rounds.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { expectDetector } from "../../src/weights/open-model.js"
import { saveUntrained } from "../support/untrained-detector.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-bench-test-"))
const weights = join(folder, "detector.safetensors")

beforeAll(async () => {
  await startEngine()
  saveUntrained({ [weights]: ["cat", "dog"] }, 1)
})
afterAll(() => rmSync(folder, { recursive: true }))

function bench(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["bin/resdet.js", "bench", ...args], {
    encoding: "utf8",
  })
  return { status, stdout, stderr }
}

test("--print-config shows what the model and the weights decide, and takes it back unchanged", () => {
  for (const [args, decided] of [
    [["--model", "fasterrcnn_resnet18_fpn"], { model: "fasterrcnn_resnet18_fpn", size: 800 }],
    [["--weights", weights], { model: "fasterrcnn_resnet18_c4", size: 64 }],
  ] as const) {
    const { status, stdout } = bench(...args, "--print-config")
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject(decided)
    writeFileSync(join(folder, "bench.json"), stdout)
    const again = bench("--config", join(folder, "bench.json"), "--print-config")
    expect(JSON.parse(again.stdout)).toEqual(JSON.parse(stdout))
  }
})

test("every phase of a detector's training and detection has its time, and the phases make up the whole", () => {
  const { status, stdout, stderr } = bench("--weights", weights, "--batch", "2", "--steps", "1", "--json", "-")
  expect(stderr).toMatch(
    /^engine: .*; fasterrcnn_resnet18_c4, shorter side 64: 4 steps of 2, then as many detections\n/,
  )
  expect(status).toBe(0)
  type Phases = { phase: string; median: number }[]
  const report = JSON.parse(stdout) as { training: Phases; detection: Phases; photosPerSecond: number }
  expect(report).toMatchObject({ model: "fasterrcnn_resnet18_c4", size: 64, maxSize: 128, batch: 2 })
  expect(report.training.map(({ phase }) => phase)).toEqual([
    "data",
    "frozen",
    "backbone",
    "rpn",
    "proposals",
    "roi",
    "losses",
    "backward",
    "update",
    "all",
  ])
  expect(report.detection.map(({ phase }) => phase)).toEqual([
    "data",
    "backbone",
    "rpn",
    "proposals",
    "roi",
    "select",
    "all",
  ])
  for (const measured of [report.training, report.detection]) {
    const sum = measured.slice(0, -1).reduce((total, { median }) => total + median, 0)
    expect(measured.at(-1)!.median).toBeCloseTo(sum, 6)
  }
  expect(report.photosPerSecond).toBeGreaterThan(0)
})

test("the end of an epoch is no step: one that is measured has all its phases", async () => {
  using checkpoint = Checkpoint.open(weights)
  const { config } = expectDetector(checkpoint)
  const roi = { ...config.options.roi, sample: { batchSizePerImage: 4, positiveFraction: 0.25 } }
  const quick = { ...config, options: { ...config.options, roi } }
  const { training } = await timeDetector(quick, await makePhotos(folder, 1), {
    batch: 1,
    steps: 1,
    precision: "float32",
  })
  expect(training.map((round) => Object.keys(round).length)).toEqual([9])
})

test("an unknown model is a usage error with the nearest name, other weights are bad data", () => {
  const unknown = bench("--model", "fasterrcnn_resnet18_c5")
  expect(unknown.status).toBe(2)
  expect(unknown.stderr).toMatch(
    /^error: bench: no model "fasterrcnn_resnet18_c5"\. Did you mean "fasterrcnn_resnet18_c4"/,
  )
  const other = join(folder, "other.safetensors")
  const header = JSON.stringify({ w: { dtype: "F32", shape: [1], data_offsets: [0, 4] } })
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  writeFileSync(other, Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]))
  expect(bench("--weights", other)).toMatchObject({
    status: 3,
    stderr: `error: ${other}: expected a trained detector, got plain weights. Train one with --weights ${other}\n`,
  })
})

test("the median and the middle half of times, and phases with their sum", () => {
  expect(spread([5, 1, 4, 2, 3])).toEqual({ median: 3, lower: 2, upper: 4 })
  expect(
    phases([
      { a: 1, b: 10 },
      { a: 3, b: 30 },
      { a: 2, b: 20 },
    ]),
  ).toEqual([
    { phase: "a", median: 2, lower: 2, upper: 3 },
    { phase: "b", median: 20, lower: 20, upper: 30 },
    { phase: "all", median: 22, lower: 22, upper: 33 },
  ])
})
