import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, describe, expect, test } from "vitest"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn, buildLayers, detectorOptions } from "../../src/detector/build.js"
import { detectorSpec } from "../../src/detector/detector-spec.js"
import { modelDefaults, modelNames, parseModel, sharesConv5 } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { startEngine } from "../../src/engine/start.js"
import { Sgd } from "../../src/train/sgd.js"
import { trainStep } from "../../src/train/step.js"
import { prepareBatch, rectangles } from "../support/tiny-detector.js"

test("every depth has a detector of each kind, told by its name", () => {
  expect(modelNames).toHaveLength(20)
  expect(parseModel("fasterrcnn_resnet101_dc5")).toMatchObject({ depth: 101, kind: "dc5" })
  const isPyramid = (model: string) => detectorSpec({ ...modelDefaults, model }).backbone.strides.length > 1
  expect(modelNames.filter(isPyramid)).toHaveLength(10)
  expect(modelNames.filter((name) => !sharesConv5(name))).toHaveLength(5)
  expect(() => parseModel("fasterrcnn_resnet50_fpm")).toThrow('Did you mean "fasterrcnn_resnet50_fpn"?')
})

test.each([
  ["paper", "c4", 14, 300],
  ["paper", "dc5", 7, 300],
  ["detectron2", "c4", 14, 1000],
  ["detectron2", "dc5", 7, 1000],
  ["detectron2", "fpn", 7, 1000],
])("the preset %s gives a %s detector %d bins a side and %d proposals", (name, kind, size, proposals) => {
  const { options } = preset(name, `fasterrcnn_resnet50_${kind}`)
  expect([options.align.size, options.proposals.test.postNmsTopN]).toEqual([size, proposals])
})

test("the preset paper is the paper's detector, and leaves a pyramid's RPN as wide as its features", () => {
  const { options } = preset("paper", "fasterrcnn_resnet101_c4")
  expect(options.rpn).toMatchObject({ borderAnchors: false, width: 512, objectness: "softmax" })
  expect(options.roi.match).toMatchObject({ positive: 0.5, negative: 0.5, negativeFrom: 0.1 })
  expect([options.proposals.train.minSide, options.proposals.test.minSide]).toEqual([16, 16])
  const other = preset("paper", "fasterrcnn_resnet50_fpn").options
  expect(other.rpn).toMatchObject({ borderAnchors: false, width: 0, objectness: "sigmoid" })
})

test("the anchors' stride follows from the network", () => {
  const strideOf = (model: string) =>
    detectorOptions({ ...modelDefaults, model, options: preset("torchvision", model).options }).anchors.stride
  expect(strideOf("fasterrcnn_resnet18_fpn")).toBe(4)
  expect(strideOf("fasterrcnn_resnet18_c4")).toBe(16)
})

test("a pyramid with other than one anchor size a level is refused", () => {
  const model = "fasterrcnn_resnet18_fpn"
  const { options } = preset("paper", model)
  const build = () => buildLayers(new Parameters(seededRandom(1)), { ...modelDefaults, model, options }, 2)
  expect(build).toThrow(
    "fasterrcnn_resnet18_fpn: expected 5 detector.anchors.sizes, one for each level of the pyramid, got 128, 256, 512",
  )
})

describe("global context", () => {
  beforeAll(() => startEngine())
  test.each(["fasterrcnn_resnet18_c4", "fasterrcnn_resnet18_fpn"])("doubles what %s's sibling layers see", (model) => {
    const widthOf = (context: boolean) => {
      const parameters = new Parameters(seededRandom(1))
      const options = { ...modelDefaults.options, context }
      buildFasterRcnn(parameters, { ...modelDefaults, model, options }, 2)
      const shapes = ["cls_score", "bbox_pred"].map((layer) => {
        return parameters.get(`roi_heads.box_predictor.${layer}.weight`)!.variable.shape[0]!
      })
      parameters.dispose()
      return shapes
    }
    expect(widthOf(true)).toEqual(widthOf(false).map((width) => 2 * width))
  })
})

describe.each([
  ["dc5", "group"],
  ["fpn", "group"],
  ["fpn_v2", "group"],
  ["fpn_v2", "batch"],
] as const)("a %s detector with %s norm that starts from nothing", (kind, norm) => {
  beforeAll(() => startEngine())
  test("learns with every parameter, detects inside the images, and leaves no tensor behind", async () => {
    const parameters = new Parameters(seededRandom(1))
    const model = `fasterrcnn_resnet18_${kind}`
    const { options: light } = preset("light", model)
    const sample = { ...light.roi.sample, batchSizePerImage: 32 }
    const options = { ...light, align: { ...light.align, size: 4 }, roi: { ...light.roi, sample } }
    const config = { ...modelDefaults, model, norm, headNorm: norm, frozen: 0, options } as const
    const detector = buildFasterRcnn(parameters, config, 2)
    const { pixels, shape, images } = rectangles()
    const optimizer = new Sgd(parameters.trainable())
    const step = async () => {
      const batch = await prepareBatch(detector, { pixels, shape, images })
      const losses = () => detector.losses(batch, seededRandom(1))
      const { losses: found } = await trainStep(losses, parameters.trainable(), optimizer, {
        rate: 0.002,
        clipNorm: 10,
      })
      batch.dispose()
      return Object.values(found).reduce((sum, loss) => sum + loss, 0)
    }
    const first = new Map([...parameters].map(({ name, variable }) => [name, variable.dataSync().slice()]))
    const loss = await step()
    const before = tf.memory().numTensors
    // Of two images' batch norm a single step may be one up.
    const later: number[] = []
    for (let i = 0; i < 4; i++) later.push(await step())
    expect(Math.min(...later)).toBeLessThan(loss)
    expect(later.at(-1)).toBeLessThan(later[0]!)
    const moved = ({ name, variable }: { name: string; variable: tf.Variable }) =>
      variable.dataSync().some((value, at) => value !== first.get(name)![at])
    expect([...parameters].filter((parameter) => !moved(parameter)).map(({ name }) => name)).toEqual([])
    const input = tf.tensor4d(pixels, shape)
    const sizes = [
      [96, 128],
      [90, 100],
    ] as const
    const found = await detector.detect(input, sizes, { score: 0 })
    input.dispose()
    expect(Math.max(...found[1]!.boxes)).toBeLessThanOrEqual(100)
    expect(tf.memory().numTensors).toBe(before)
    parameters.dispose()
  })
})
