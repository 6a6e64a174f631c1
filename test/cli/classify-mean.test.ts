import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { readLabelled } from "../../datasets/read-labelled.js"
import { scoreSet } from "../../src/classify/evaluate.js"
import { makeScorer } from "../../src/classify/scorer.js"
import { seededRandom } from "../../src/core/random.js"
import { topKError } from "../../src/eval/imagenet.js"
import { resolveConfig } from "../../src/tasks/config.js"
import { classifyTrainSchema } from "../../src/tasks/options/train-classifier.js"
import { resumeClassifier, trainClassifier } from "../../src/tasks/train-classifier.js"
import { openClassifier } from "../../src/weights/open-model.js"
import { planInput } from "../../src/weights/plan.js"
import { tiledPng, writeFiles } from "../datasets/samples.js"
import { writeCifarFiles } from "../support/cifar-files.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { colouredPictures } from "../support/made-up-pictures.js"
import { readClassifierInfo, withCheckpoint } from "../support/read-info.js"
import { storedFile } from "../support/stored-file.js"

let folder: string
let cifar: string
const never = new AbortController().signal

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-mean-"))
  cifar = join(folder, "cifar")
  writeCifarFiles(cifar)
})

afterAll(() => rmSync(folder, { recursive: true }))

/** Trains into `<name>`; returns the run's folder and its last weights. */
async function train(name: string, sets: object, signal = never, log: (line: string) => void = () => {}) {
  const run = join(folder, name)
  const base = { data: cifar, out: run, epochs: 1, batch: 4, lr: 0.05, logEvery: 1, workers: 0 }
  await trainClassifier({ ...base, ...sets }, { signal, onLog: log })
  return { run, weights: join(run, "weights", "last.safetensors") }
}

const digest = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex")

onEveryEngine("a run with the mean picture", () => {
  test("stores it, scores with it, and stopped and resumed has the same bits", async () => {
    const engine = tf.getBackend()
    const pixel = { mean: "pixel", std: "none", epochs: 2, engine }
    const said: string[] = []
    const { run, weights } = await train(`whole-${engine}`, pixel, never, (line) => said.push(line))
    expect(said.join("\n")).toMatch(/taking the mean picture of 12 images\n/)
    expect(said.join("\n")).toMatch(/input 32x32, less the mean picture;/)

    const { pixels } = colouredPictures(12, 32, 1)
    const sums = Float64Array.from({ length: 3072 }, (_, i) =>
      Array.from({ length: 12 }, (_, n) => pixels[3072 * n + i]!).reduce((a, b) => a + b),
    )
    const file = storedFile(weights)
    expect(file.tensors.get("input.mean")).toMatchObject({ dtype: "F32", shape: [32, 32, 3] })
    expectClose(
      file.read("input.mean"),
      sums.map((sum) => sum / 12 / 255),
      1e-6,
    )
    const { config, training } = readClassifierInfo(weights)!
    const means = [0, 1, 2].map((c) => sums.filter((_, i) => i % 3 === c).reduce((a, b) => a + b) / 1024 / 12 / 255)
    expect(config).toMatchObject({ meanPicture: true, std: [1 / 255, 1 / 255, 1 / 255] })
    expectClose(config.mean, means, 1e-6)
    // A detector runs at other sizes: it takes the channels' means.
    expect(withCheckpoint(weights, (checkpoint) => planInput(checkpoint))).toEqual({
      mean: config.mean,
      std: config.std,
    })

    const classifier = openClassifier(weights)
    const scorer = makeScorer([classifier])
    const { scores, labels } = await scoreSet(await readLabelled(cifar, { split: "val" }), scorer, { batch: 32 })
    expect(topKError(scores, labels, 3, 1)).toBe(training.top1_error)
    scorer.dispose()

    const stopper = new AbortController()
    const broken = await train(`broken-${engine}`, pixel, stopper.signal, (line) => {
      if (line.includes("step 4 ")) stopper.abort()
    })
    await resumeClassifier(broken.run)
    for (const name of ["weights/last.safetensors", "state/weights.safetensors", "state/velocities.safetensors"]) {
      expect(digest(join(broken.run, name)), name).toBe(digest(join(run, name)))
    }
  }, 120_000)
})

test("a mean picture goes on with the weights at its size, and is left behind at another", async () => {
  const first = await train("first", { mean: "pixel" })
  const again = await train("again", { weights: first.weights })
  const picture = storedFile(first.weights).read("input.mean")
  expect(storedFile(again.weights).read("input.mean")).toEqual(picture)
  expect(readClassifierInfo(again.weights)!.config).toEqual(readClassifierInfo(first.weights)!.config)

  const photos = join(folder, "photos")
  const random = seededRandom(1)
  for (const n of [0, 1, 2, 3]) writeFiles(photos, { [`${n % 2 ? "a" : "b"}/${n}.png`]: tiledPng(60, 50, random) })
  const other = await train("other", { weights: first.weights, data: photos, size: 40 })
  expect(storedFile(other.weights).tensors.has("input.mean")).toBe(false)
  const { meanPicture: _, ...config } = readClassifierInfo(first.weights)!.config
  expect(readClassifierInfo(other.weights)!.config).toEqual({ ...config, size: 40 })

  const fresh = await train("fresh", { weights: first.weights, data: photos, size: 32, mean: "pixel" })
  const taken = storedFile(fresh.weights).read("input.mean")
  expect(taken).not.toEqual(picture)
  const given = await train("given", { weights: first.weights, mean: [0.5, 0.5, 0.5] })
  expect(storedFile(given.weights).tensors.has("input.mean")).toBe(false)
}, 120_000)

test.each([
  [{ mean: "pixels" }, /--mean: expected pixel, or three numbers, for red, green and blue in 0\.\.1, got "pixels"/],
  [{ mean: [0.5] }, /--mean: expected pixel, or three numbers, for red, green and blue in 0\.\.1, got \[0\.5\]/],
  [{ std: [1, 1, 0] }, /--std: expected std\.2 to be a number above 0, got 0/],
])("%j is refused in one line", (flags, message) => {
  expect(() => resolveConfig(classifyTrainSchema, { flags: { data: cifar, ...flags } })).toThrow(message)
})
