import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { classifierGuesses } from "../../src/localize/guess.js"
import {
  buildClassRpn,
  buildRegionNetwork,
  openClassRpn,
  openRegionNetwork,
  saveLocalizer,
} from "../../src/localize/localizer-file.js"
import { openLocalizer } from "../../src/localize/open-localizer.js"
import { classRpnDefaults } from "../../src/localize/options.js"
import type { LocalizerConfig } from "../../src/weights/model-info.js"
import { localizerName } from "../../src/weights/names.js"
import { saveClassifier, saveWeights } from "../../src/weights/save.js"
import { readLocalizerInfo } from "../support/read-info.js"
import { rectangle } from "./made-up-images.js"

const config: LocalizerConfig = {
  stage: "rpn",
  network: "cifar_resnet20",
  options: { zeros: "both" },
  norm: "batch",
  frozen: 0,
  stages: 3,
  size: 32,
  ...imageNet,
  rpn: classRpnDefaults,
}
const info = { config, classes: ["cat", "dog", "eel"], training: { epoch: 3 } }
let folder: string
const at = (name: string) => join(folder, `${name}.safetensors`)

beforeAll(async () => {
  await startEngine()
  folder = mkdtempSync(join(tmpdir(), "resdet-localizer-"))
  const parameters = new Parameters(seededRandom(5))
  buildClassRpn(parameters, config, 3)
  saveLocalizer(at("rpn"), parameters, info)
  const second = new Parameters(seededRandom(6))
  const rcnn = { ...config, stage: "rcnn" } as const
  buildRegionNetwork(second, rcnn, 3)
  saveLocalizer(at("rcnn"), second, { ...info, config: rcnn })
  saveLocalizer(at("other"), second, { ...info, config: rcnn, classes: ["cat", "dog", "elk"] })
  saveWeights(at("plain"), parameters)
  saveLocalizer(at("part"), [...parameters].slice(1), info)
  for (const one of [parameters, second]) one.dispose()
})

afterAll(() => rmSync(folder, { recursive: true }))

test("a file gives back what was saved, and says the same of an image", async () => {
  const saved = new Parameters(seededRandom(5))
  const built = buildClassRpn(saved, config, 3)
  const opened = openClassRpn(at("rpn"))
  expect(opened).toMatchObject(info)
  const find = (rpn: typeof built) => rpn.find(tf.ones([1, 32, 40, 3]), [2, 3], 5)
  expect(await find(opened.network)).toEqual(await find(built))
  saved.dispose()
  opened.parameters.dispose()
})

test("a classifier's layers go under backbone, other names stay", () => {
  expect(["conv1.weight", "bn1.bias", "layer4.0.conv1.weight"].map(localizerName)).toEqual([
    "backbone.conv1.weight",
    "backbone.bn1.bias",
    "backbone.layer4.0.conv1.weight",
  ])
  expect(["fc.weight", "backbone.conv1.weight", "rpn.cls_logits.bias"].map(localizerName)).toEqual([
    "fc.weight",
    "backbone.conv1.weight",
    "rpn.cls_logits.bias",
  ])
})

test("both stages open together, and two that know other classes do not", () => {
  const localizer = openLocalizer(at("rpn"), at("rcnn"))
  expect(localizer).toMatchObject({ side: 32, classes: info.classes })
  expect(localizer.refiner).toBeDefined()
  localizer.dispose()
  const tensors = tf.memory().numTensors
  expect(() => openLocalizer(at("rpn"), at("other"))).toThrow(
    /other\.safetensors: expected the classes of .*rpn\.safetensors, cat, dog, eel, got cat, dog, elk$/,
  )
  expect(tf.memory().numTensors).toBe(tensors)
})

test("other files are told for what they are", () => {
  expect(readLocalizerInfo(at("plain"))).toBeUndefined()
  expect(() => openClassRpn(at("plain"))).toThrow(/plain\.safetensors: expected a per-class RPN, got other weights\. /)
  expect(() => openRegionNetwork(at("rpn"))).toThrow(/expected a second stage, got a per-class RPN\. .*--stage rcnn$/)
  expect(() => openClassRpn(at("part"))).toThrow(/part\.safetensors: "backbone\.conv1\.weight" is missing/)
})

test("more stages than the network has are refused", () => {
  const parameters = new Parameters(seededRandom(1))
  expect(() => buildClassRpn(parameters, { ...config, stages: 4 }, 3)).toThrow(
    "expected stages to be 1 to 3 for cifar_resnet20, got 4",
  )
  parameters.dispose()
})

test("a classifier's best classes come as the localizer's labels, by their names", async () => {
  const scorer = { classes: ["eel", "cat", "dog"], score: async () => Float32Array.of(0.1, 0.6, 0.3) }
  const image = rectangle(40, 50, [10, 10, 20, 20], 1)
  expect(await classifierGuesses(scorer, info.classes)(image)).toEqual([1, 2, 3])
  expect(() => classifierGuesses(scorer, ["cat", "dog"])).toThrow(
    `the classifier's class "eel" is not among the localizer's. Both need the same classes`,
  )
})

test("a classifier's file is no localizer's", () => {
  const config = { network: "cifar_resnet20", options: {}, size: 32, ...imageNet }
  saveClassifier(at("classifier"), [], { config, classes: ["cat"], training: {} })
  expect(() => openClassRpn(at("classifier"))).toThrow(/expected a per-class RPN, got other weights/)
})
