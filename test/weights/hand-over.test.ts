import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { decodeImage } from "../../datasets/image/decode.js"
import { readDataset } from "../../datasets/read.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { imageNet, type Normalisation } from "../../src/core/normalisation.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import type { FasterRcnn } from "../../src/detector/faster-rcnn.js"
import { type ModelConfig, modelDefaults } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import { openTensorNetwork } from "../../src/predict/network.js"
import { trainDetector } from "../../src/tasks/train-detector.js"
import { detectDataset } from "../../src/train/detect-dataset.js"
import { loadReport } from "../../src/weights/fit.js"
import { detectorWeights, planInput, planNorms } from "../../src/weights/plan.js"
import { saveClassifier, saveDetector, saveWeights } from "../../src/weights/save.js"
import { expectClose } from "../support/close.js"
import { readDetectorInfo, withCheckpoint } from "../support/read-info.js"

let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-hand-over-"))
  await startEngine()
})

afterAll(() => rmSync(folder, { recursive: true }))

const wishes = { norm: "auto", conv5Norm: "auto", headNorm: "auto", frozen: undefined } as const

test("a classifier's file fills a detector's backbone and conv5, its norms frozen, its fc unused", () => {
  const file = join(folder, "classifier.safetensors")
  const own = new Parameters(seededRandom(1))
  const network = new ResNet(new Scope(own), networkSpec("resnet18"), { classes: 10 })
  const images = tf.randomNormal<tf.Rank.R4>([2, 64, 64, 3], 0, 1, "float32", 3)
  tf.tidy(() => void network.train(images))
  const options = { network: "resnet18", options: {}, size: 48 }
  const input = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as const
  saveClassifier(file, own, { config: { ...options, ...input }, classes: [..."0123456789"], training: {} })

  expect(readDetectorInfo(file)).toBeUndefined()
  const model = "fasterrcnn_resnet18_c4"
  const norms = withCheckpoint(file, (checkpoint) => planNorms(checkpoint, model, wishes))
  expect(norms).toEqual({ norm: "frozen", conv5Norm: "frozen", headNorm: "group", frozen: 2 })
  const config = { ...modelDefaults, model, ...norms }
  const parameters = new Parameters(
    seededRandom(2),
    withCheckpoint(file, (checkpoint) => detectorWeights(checkpoint, config)),
  )
  const detector = buildFasterRcnn(parameters, config, 3)
  const { initialised, mismatched, unused } = loadReport(parameters)
  expect(mismatched).toEqual([])
  expect([...unused].sort()).toEqual(["fc.bias", "fc.weight"])
  expect(initialised.filter((name) => /^backbone\.|layer4\./.test(name))).toEqual([])
  expect(initialised.length).toBeGreaterThan(0)
  expect(parameters.get("backbone.layer1.0.conv1.weight")!.trainable).toBe(false)
  expect(parameters.get("backbone.layer3.0.conv1.weight")!.trainable).toBe(true)

  // The detector sees the stem and layer1 as the classifier does when it is tested.
  const seen = tf.tidy(() => detector.backbone.frozen!(images).dataSync())
  const meant = tf.tidy(() => network.stages(images)[0]!.dataSync())
  expectClose(seen, meant, 1e-4)
  for (const made of [own, parameters]) made.dispose()
  images.dispose()
})

/** Writes a detector of fresh weights, always the same, into which values enter as `input` says. */
function writeDetector(name: string, input: Normalisation | undefined): string {
  const file = join(folder, `${name}.safetensors`)
  const { input: _, ...old } = modelDefaults
  const config = { ...old, ...(input && { input }), model: "fasterrcnn_resnet18_c4", size: 64, norm: "group" } as const
  const parameters = new Parameters(seededRandom(5))
  buildFasterRcnn(parameters, { ...modelDefaults, ...config }, 1)
  // A file of before `input` lacks it.
  saveDetector(file, parameters, { config: config as ModelConfig, classes: ["a"], categoryIds: [1], training: {} })
  parameters.dispose()
  return file
}

test("a detector starts with its classifier's mean and std, keeps them in its file, and predicts with them", async () => {
  const halves = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } as const
  const classifier = join(folder, "halves.safetensors")
  const config = { network: "resnet18", options: {}, size: 48, ...halves }
  saveClassifier(classifier, [], { config, classes: [], training: {} })
  const inputOf = (file: string) => withCheckpoint(file, (checkpoint) => planInput(checkpoint))
  expect(inputOf(classifier)).toEqual(halves)
  expect(planInput(undefined)).toEqual(imageNet)

  const files = [
    writeDetector("halves", halves),
    writeDetector("plain", { mean: [0, 0, 0], std: [1, 1, 1] }),
    writeDetector("imagenet", imageNet),
    writeDetector("old", undefined),
  ] as const
  expect(files.map(inputOf)).toEqual([halves, { mean: [0, 0, 0], std: [1, 1, 1] }, imageNet, imageNet])
  const found = async (file: string, value: number) => {
    const network = await openTensorNetwork([file], "auto")
    const white = { data: new Uint8Array(64 * 64 * 3).fill(value), height: 64, width: 64 }
    const { boxes, scores } = await network.detect(white, { score: 0, nms: 1, maxDetections: 20 })
    network.dispose()
    return [...boxes, ...scores]
  }
  // 255 enters as 1 both ways, 0 as -1 and as 0.
  expect(await found(files[0], 255)).toEqual(await found(files[1], 255))
  expect(await found(files[0], 0)).not.toEqual(await found(files[1], 0))
  expect(await found(files[3], 0)).toEqual(await found(files[2], 0))
  expect(await found(files[3], 0)).not.toEqual(await found(files[1], 0))
})

test("a detector trains and is scored on pictures as its classifier saw them", async () => {
  const data = join(folder, "shapes")
  await makeShapes(data, { images: 4, valImages: 1, sides: [64, 64], heights: [28, 40], counts: [1, 1] })
  const own = new Parameters(seededRandom(1))
  new ResNet(new Scope(own), networkSpec("resnet18"), { classes: 2 })
  const [told, untold] = [join(folder, "told.safetensors"), join(folder, "untold.safetensors")]
  const input = { mean: [0.5, 0.5, 0.5], std: [0.1, 0.1, 0.1] } as const
  const config = { network: "resnet18", options: {}, size: 48, ...input }
  saveClassifier(told, own, { config, classes: ["a", "b"], training: {} })
  saveWeights(untold, own)
  own.dispose()
  const train = async (weights: string, name: string) => {
    const out = join(folder, name)
    const flags = { data, weights, out, epochs: 1, size: 64, logEvery: 1, warmup: 1, workers: 0 }
    await trainDetector(flags)
    const [first] = readFileSync(join(out, "metrics.jsonl"), "utf8").split("\n")
    return { loss: (JSON.parse(first!) as { loss: number }).loss, file: join(out, "weights", "last.safetensors") }
  }
  const [first, second] = [await train(told, "run-told"), await train(untold, "run-untold")]
  expect(readDetectorInfo(first.file)!.config.input).toEqual(input)
  expect(readDetectorInfo(second.file)!.config.input).toEqual(imageNet)
  expect(first.loss).not.toBeCloseTo(second.loss, 4)

  const seen: number[] = []
  const detect = (images: tf.Tensor4D) => {
    seen.push(images.dataSync()[0]!)
    return [{ boxes: new Float32Array(0), scores: new Float32Array(0), labels: new Int32Array(0) }]
  }
  const { images } = await readDataset(data, { split: "val" })
  const sizes = { size: 64, maxSize: 64 }
  for (const one of [input, imageNet]) {
    await detectDataset({ detect } as unknown as FasterRcnn, images, { ...sizes, input: one }, () => {})
  }
  const [value] = (await decodeImage(images[0]!.file)).data
  expectClose(
    seen,
    [input, imageNet].map(({ mean, std }) => (value! / 255 - mean[0]) / std[0]),
    1e-5,
  )
}, 60_000)
