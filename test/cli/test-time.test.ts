import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { DataError } from "../../src/core/errors.js"
import type { DetectOptions } from "../../src/detector/detect-options.js"
import { startEngine } from "../../src/engine/start.js"
import { loadDetector } from "../../src/predict/load-detector.js"
import { slowTest } from "../support/slow-test.js"
import { saveUntrained } from "../support/untrained-detector.js"

const flags = [
  ...["--nms", "0.4", "--soft-nms", "linear", "--vote", "--refine", "--flip"],
  ...["--scales", "48,64", "--tiles", "64", "--overlap", "0.1", "--max-detections", "20"],
]
const options: DetectOptions = {
  nms: 0.4,
  softNms: "linear",
  vote: true,
  refine: true,
  flip: true,
  scales: [48, 64],
  tiles: 64,
  overlap: 0.1,
  maxDetections: 20,
}

let folder: string
let data: string
const weights = (name: string) => join(folder, `${name}.safetensors`)

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-test-time-"))
  data = join(folder, "shapes")
  await makeShapes(data, { images: 1, valImages: 2, sides: [64, 80], heights: [28, 40], counts: [1, 2] })
  await startEngine()
  const classes = ["circle", "square", "triangle"]
  saveUntrained({ [weights("a")]: classes, [weights("other")]: ["circle", "square", "star"] }, 1)
  saveUntrained({ [weights("b")]: classes }, 2, { context: true })
})

afterAll(() => rmSync(folder, { recursive: true }))

function resdet(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["bin/resdet.js", ...args], { encoding: "utf8" })
  return { status, stdout, stderr }
}

slowTest("with the same switches eval, detect and loadDetector find the same", async () => {
  const both = ["--weights", weights("a"), weights("b")]
  const scored = resdet("eval", ...both, "--data", data, ...flags, "--json", "-")
  expect(scored).toMatchObject({ status: 0 })
  const out = join(folder, "out")
  const source = join(data, "JPEGImages")
  const written = resdet("detect", ...both, "--source", source, "--out", out, "--score", "0", "--no-draw", ...flags)
  expect(written).toMatchObject({ status: 0, stdout: `${out}\n` })
  const lines = readFileSync(join(out, "detections.jsonl"), "utf8").trimEnd().split("\n")
  const images = lines.map(
    (line) => JSON.parse(line) as { image: string; detections: { box: number[]; score: number }[] },
  )
  const ofVal = new Set(readFileSync(join(data, "ImageSets/Main/val.txt"), "utf8").trim().split(/\s+/))
  const val = images.filter(({ image }) => ofVal.has(image.replace(/\..*/, "")))
  expect(val).toHaveLength(2)
  const count = val.reduce((sum, { detections }) => sum + detections.length, 0)
  expect(count).toBeGreaterThan(0)
  expect(JSON.parse(scored.stdout).detections).toBe(count)

  const detector = await loadDetector([weights("a"), weights("b")])
  for (const { image, detections } of val) {
    const found = await detector.detect(join(source, image), { ...options, score: 0 })
    expect(found.detections).toHaveLength(detections.length)
    found.detections.forEach(({ box, score }, d) => {
      expect(score).toBeCloseTo(detections[d]!.score, 4)
      box.forEach((value, c) => void expect(value).toBeCloseTo(detections[d]!.box[c]!, 1))
    })
  }
  const plain = await detector.detect(join(source, val[0]!.image), { score: 0 })
  expect(plain.detections.map(({ box }) => box)).not.toEqual(val[0]!.detections.map(({ box }) => box))
  detector.dispose()
})

test("detectors of other classes do not work as one, and none of them stays in memory", async () => {
  const files = [weights("a"), weights("other")]
  const { status, stderr } = resdet("eval", "--weights", ...files, "--data", data)
  expect(status).toBe(3)
  const line = `${files[1]} cannot be averaged with ${files[0]}: it has "star" where that has "triangle". Their classes must be the same`
  expect(stderr).toContain(`error: ${line}\n`)
  const tensors = tf.memory().numTensors
  await expect(loadDetector(files)).rejects.toThrow(new DataError(line))
  expect(tf.memory().numTensors).toBe(tensors)
})

test("a switch without a detector to turn it on is refused", () => {
  const { status, stderr } = resdet("eval", "--gt", "a.json", "--predictions", "b.json", "--soft-nms", "linear")
  expect(status).toBe(2)
  expect(stderr).toBe("error: eval: --soft-nms is an option of a detector: it needs --weights\n")
})
