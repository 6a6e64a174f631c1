import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { networkSpec } from "../../src/backbone/networks.js"
import { ResNet } from "../../src/backbone/resnet.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import { Parameters, Scope } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"
import { saveClassifier } from "../../src/weights/classifier-file.js"
import { readDetectorInfo } from "../../src/weights/detector-file.js"
import { loadReport } from "../../src/weights/load.js"
import { initialWeights, planNorms } from "../../src/weights/plan.js"
import { expectClose } from "../support/close.js"

let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-hand-over-"))
  await startEngine()
})

afterAll(() => rmSync(folder, { recursive: true }))

const wishes = { norm: "auto", conv5Norm: "auto", frozen: undefined } as const

test("a classifier's file fills a detector's backbone and conv5, its norms frozen, its fc unused", () => {
  const file = join(folder, "classifier.safetensors")
  const own = new Parameters(seededRandom(1))
  const network = new ResNet(new Scope(own), networkSpec("resnet18"), { classes: 10 })
  const images = tf.randomNormal<tf.Rank.R4>([2, 64, 64, 3], 0, 1, "float32", 3)
  tf.tidy(() => void network.train(images))
  const options = { network: "resnet18", options: {}, size: 48 }
  const input = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] } as const
  saveClassifier(file, own, { config: { ...options, ...input }, classes: [..."0123456789"], training: {} })

  expect(readDetectorInfo(file)).toBeUndefined()
  const model = "fasterrcnn_resnet18_c4"
  const norms = planNorms(model, file, wishes)
  expect(norms).toEqual({ norm: "frozen", conv5Norm: "frozen", frozen: 2 })
  const config = { ...modelDefaults, model, ...norms }
  const parameters = new Parameters(seededRandom(2), initialWeights(file, config))
  const detector = buildFasterRcnn(parameters, config, 3)
  const { initialised, mismatched, unused } = loadReport(parameters)
  expect(mismatched).toEqual([])
  expect([...unused].sort()).toEqual(["fc.bias", "fc.weight"])
  expect(initialised.filter((name) => /^backbone\.|layer4\./.test(name))).toEqual([])
  expect(initialised.length).toBeGreaterThan(0)
  expect(parameters.get("backbone.layer1.0.conv1.weight")!.trainable).toBe(false)
  expect(parameters.get("backbone.layer3.0.conv1.weight")!.trainable).toBe(true)

  // The detector sees the stem and layer1 as the classifier does when it is tested.
  const seen = tf.tidy(() => detector.frozenFeatures(images).dataSync())
  const meant = tf.tidy(() => network.trunk.pyramid(images)[0]!.dataSync())
  expectClose(seen, meant, 1e-4)
  for (const made of [own, parameters]) made.dispose()
  images.dispose()
})
