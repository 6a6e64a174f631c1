import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildLayers } from "../../src/detector/build.js"
import { startEngine } from "../../src/engine/start.js"
import { decidedLocalizeTrainSchema } from "../../src/tasks/options/train-localizer.js"
import { trainDetector } from "../../src/tasks/train-detector.js"
import { trainLocalizer } from "../../src/tasks/train-localizer.js"
import { planLocalizer } from "../../src/tasks/training/localizer-plan.js"
import { expectFit } from "../../src/weights/fit.js"
import type { NetworkChoices } from "../../src/weights/model-info.js"
import { buildClassifier } from "../../src/weights/open-model.js"
import { detectorWeights, type ModelOverrides, planModel, planNetwork } from "../../src/weights/plan.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { saveClassifier, saveWeights } from "../../src/weights/save.js"
import { expectClose } from "../support/close.js"
import { withCheckpoint } from "../support/read-info.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-origin-"))
beforeAll(() => startEngine())
afterAll(() => rmSync(folder, { recursive: true }))

const planOf = (path: string, overrides: ModelOverrides = {}) =>
  withCheckpoint(path, (checkpoint) => planModel(checkpoint, overrides))
const originOf = (path: string) => withCheckpoint(path, ({ origin }) => origin)

/** A file of the tensors of these names, with nothing in them. */
function write(
  name: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  metadata: Record<string, string> = {},
) {
  const path = join(folder, name)
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    return [name, { shape, values: new Float32Array(shape.reduce((product, length) => product * length, 1)) }] as const
  })
  writeSafetensors(path, tensors, metadata)
  return path
}

describe.each<[string, NetworkChoices]>([
  ["resnet18", { shortcut: "A" }],
  ["resnet18", { shortcut: "C" }],
  ["resnet50", { strideIn: "1x1" }],
  ["resnet50", { strideIn: "1x1", shortcut: "A" }],
])("a classifier %s with %j", (network, options) => {
  const [told, untold] = [join(folder, "told.safetensors"), join(folder, "untold.safetensors")]

  test("handed to a detector, gives it the features that it has itself", () => {
    const own = new Parameters(seededRandom(1))
    const config = { network, options, size: 64, ...imageNet }
    const classifier = buildClassifier(own, config, 2)
    const images = tf.randomNormal<tf.Rank.R4>([1, 64, 96, 3], 0, 1, "float32", 3)
    tf.tidy(() => void classifier.train(images))
    saveClassifier(told, own, { config, classes: ["a", "b"], training: {} })
    saveWeights(untold, own)

    withCheckpoint(told, (checkpoint) => {
      const model = planModel(checkpoint)
      expect(model).toMatchObject({
        model: `fasterrcnn_${network}_c4`,
        norm: "frozen",
        conv5Norm: "frozen",
        ...options,
      })
      const parameters = new Parameters(seededRandom(2), detectorWeights(checkpoint, model))
      const { backbone, boxHead } = buildLayers(parameters, model, 3)
      expect(parameters.mismatched).toEqual([])
      expect(parameters.initialised.filter((name) => name.includes("layer"))).toEqual([])
      tf.tidy(() => {
        const [, , conv4, conv5] = classifier.stages(images)
        const [seen] = backbone.features(backbone.frozen!(images))
        expectClose(seen!.dataSync(), conv4!.dataSync(), 1e-4)
        // conv5 of a C4 detector runs on regions; on the whole map it is the classifier's.
        expectClose(boxHead.apply(conv4!).dataSync(), tf.mean(conv5!, [1, 2]).dataSync(), 1e-4)
      })
      parameters.dispose()
    })
    // Its names tell the shortcuts where nothing else does.
    expect(originOf(untold)).toMatchObject({ network, shortcut: options.shortcut ?? "B", strideIn: "3x3" })
    own.dispose()
    images.dispose()
  }, 60_000)
})

describe("what metadata say", () => {
  const bottleneck = { "layer1.0.conv1.weight": [64, 64, 1, 1] }

  test("in keys of their own is obeyed", () => {
    const metadata = { strideIn: "1x1", shortcut: "C", mean: "127.5, 0, 255", std: "[1, 1, 1]", model: "resnet50" }
    const plan = planOf(write("keys.safetensors", bottleneck, metadata))
    expect(plan).toMatchObject({ model: "fasterrcnn_resnet50_c4", strideIn: "1x1", shortcut: "C" })
    expect(plan.input).toEqual({ mean: [0.5, 0, 1], std: [1 / 255, 1 / 255, 1 / 255] })
  })

  test.each(["trained in Caffe", "the MSRA model", "stride in the 1x1", "1x1 convolutions have the stride"])(
    "in prose, %j, puts the stride of bottleneck blocks in doubt",
    (note) => {
      const path = write("prose.safetensors", bottleneck, { note })
      const plan = (overrides: ModelOverrides = {}) => planOf(path, { model: "fasterrcnn_resnet50_fpn", ...overrides })
      expect(plan).toThrow(new RegExp(`^${path}: where do its blocks .*"${note}".* --stride-in 1x1 .* --stride-in 3x3`))
      expect(plan({ strideIn: "1x1" }).strideIn).toBe("1x1")
      expect(planOf(path, { model: "fasterrcnn_resnet18_fpn" }).strideIn).toBe("3x3")
      expect(planOf(write("said.safetensors", bottleneck, { note, strideIn: "1x1", model: "resnet50" })).strideIn).toBe(
        "1x1",
      )
    },
  )

  test.each([
    [{ strideIn: "2x2" }, 'expected strideIn to be 3x3 or 1x1, got "2x2"'],
    [{ mean: "0.5" }, 'expected mean to be three numbers, as in 0.485,0.456,0.406, got "0.5"'],
    [{ std: "1,0,1" }, "expected std to be three numbers"],
  ])("%j is refused in one line", (metadata, message) => {
    expect(() => planOf(write("odd.safetensors", bottleneck, metadata))).toThrow(message)
  })
})

describe("weights of which nothing fits", () => {
  const conv = [1, 1, 1, 1]
  const foreign = { "features.0.weight": conv, "features.1.weight": conv, "classifier.bias": [1] }

  test.each([
    [foreign, /another architecture, or names its layers otherwise: "features\.0\.weight", /],
    [{ "encoder.layer1.0.conv1.weight": conv }, /"backbone\.layer1\.0\.conv1\.weight" has another shape/],
    [
      {
        "q.conv1.weight": conv,
        "q.layer1.0.conv1.weight": conv,
        "k.conv1.weight": conv,
        "k.layer1.0.conv1.weight": conv,
      },
      /2 networks: q, k\. Take one of them: resdet import --key q$/,
    ],
    [
      { "conv1.weight": [64, 3, 7, 7], "layer1.0.conv1.weight": conv },
      /"backbone\.layer1\.0\.conv1\.weight" has another shape/,
    ],
  ])("are refused with the reason: %j", (shapes, reason) => {
    withCheckpoint(write("foreign.safetensors", shapes as Record<string, number[]>), (checkpoint) => {
      const config = planModel(checkpoint)
      const parameters = new Parameters(seededRandom(2), detectorWeights(checkpoint, config))
      buildLayers(parameters, config, 1)
      expect(() => expectFit(checkpoint, parameters, "resnet18")).toThrow(reason)
      expect([...parameters]).toEqual([])
    })
  })

  test("stop train and localize train before the first step", async () => {
    const data = join(folder, "shapes")
    await makeShapes(data, { images: 2, valImages: 1, sides: [64, 64], heights: [28, 40], counts: [1, 1] })
    const weights = write("nothing.safetensors", foreign)
    const flags = { data, weights, epochs: 1, size: 64, batch: 1 }
    const runs = [
      trainDetector({ ...flags, out: join(folder, "r1"), workers: 0 }),
      trainLocalizer({ ...flags, out: join(folder, "r2") }),
    ]
    for (const run of runs) await expect(run).rejects.toThrow(/nothing\.safetensors: nothing in it fits a \w*resnet18/)
  }, 60_000)
})

test("weights of another network are refused by name, or choose the detector themselves", () => {
  const shapes = withCheckpoint(
    resnet18(),
    ({ tensors }) => new Map([...tensors].map(([name, { shape }]) => [name, shape])),
  )
  const path = write("r18.safetensors", Object.fromEntries(shapes))
  expect(planOf(path).model).toBe("fasterrcnn_resnet18_c4")
  const other = { model: "fasterrcnn_resnet34_fpn" }
  expect(() => planOf(path, other)).toThrow(`${path} is a resnet18: leave out --model fasterrcnn_resnet34_fpn`)
  withCheckpoint(path, (checkpoint) => {
    const config = decidedLocalizeTrainSchema.parse({ data: "D", network: "resnet50", batch: 32 })
    expect(() => planLocalizer(config, checkpoint)).toThrow(`${path} is a resnet18: leave out network resnet50`)
  })
  const cifar = write("cifar.safetensors", { a: [1] }, { model: "cifar_resnet20" })
  expect(() => planOf(cifar)).toThrow(`${cifar} is a cifar_resnet20, which no detector is built on`)
})

function resnet18(): string {
  const path = join(folder, "plain.safetensors")
  const own = new Parameters(seededRandom(1))
  buildClassifier(own, { network: "resnet18", options: {}, size: 64, ...imageNet }, 2)
  saveWeights(path, own)
  own.dispose()
  return path
}

describe.skipIf(withoutSharedData)("the four families of published weights load as what they are", () => {
  const file = (name: string) => sharedData(`weights/${name}`)

  test.each([
    ["resnet18-imagenet-folded-partial.safetensors", "resnet18", "group"],
    ["resnet18-imagenet-folded-complete.safetensors", "resnet18", "frozen"],
    ["resnet18-imagenet-pqf.safetensors", "resnet18", "frozen"],
    ["resnet50-imagenet-pqf.safetensors", "resnet50", "frozen"],
  ])("%s", (name, network, conv5Norm) => {
    const torchvision = { name: "torchvision", strideIn: "3x3", shortcut: "B", colors: "rgb", input: imageNet }
    expect(originOf(file(name))).toMatchObject({ ...torchvision, network })
    const plan = planOf(file(name))
    expect(plan).toMatchObject({ model: `fasterrcnn_${network}_c4`, strideIn: "3x3", input: imageNet, conv5Norm })
  })

  test("the paper's own ResNet-50 of Caffe, once its stride is said", () => {
    const path = file("resnet50-caffe-imagenet-c4-partial.safetensors")
    expect(() => planOf(path)).toThrow(
      /c4-partial\.safetensors: where do its blocks have their stride\? Its metadata say/,
    )
    expect(() => planOf(path)).toThrow("--stride-in 1x1")
    const plan = planOf(path, { strideIn: "1x1" })
    expect(plan).toMatchObject({ model: "fasterrcnn_resnet50_c4", strideIn: "1x1", norm: "frozen", conv5Norm: "group" })
    expect(originOf(path)).toMatchObject({ name: "Caffe", network: "resnet50", strideIn: undefined })
  })

  test.each([
    ["resnet20-12fca82f.th", "cifar_resnet20"],
    ["resnet32-d509ac18.th", "cifar_resnet32"],
  ])("%s: CIFAR's, its shortcuts padded on both sides", (name, network) => {
    withCheckpoint(file(name), (checkpoint) => {
      expect(checkpoint.origin).toMatchObject({ network, zeros: "both", input: imageNet })
      expect(planNetwork(checkpoint, network)).toEqual({ zeros: "both" })
      expect(checkpoint.tensors.has("fc.weight")).toBe(true)
      expect(() => planModel(checkpoint)).toThrow(`is a ${network}, which no detector is built on`)
    })
  })
})
