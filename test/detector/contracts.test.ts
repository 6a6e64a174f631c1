import type * as tf from "@tensorflow/tfjs-core"
import { afterEach, beforeAll, describe, expect, test } from "vitest"
import { resNetSpec } from "../../src/backbone/architecture.js"
import { type Backbone, createBackbone } from "../../src/backbone/backbone.js"
import { fpnBackbone } from "../../src/backbone/fpn.js"
import { resNetBackbone } from "../../src/backbone/resnet.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { buildFasterRcnn, type OwnBackbone } from "../../src/detector/build.js"
import { type DetectorKind, modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { startEngine } from "../../src/engine/start.js"
import { isBackbone, isDetector } from "../support/contracts.js"
import { onEveryEngine } from "../support/engines.js"
import { plainBackbone, tensorBackbone, twoLevelBackbone } from "../support/own-backbones.js"
import { tinyDetector } from "../support/tiny-detector.js"
import { tinyNetwork } from "../support/tiny-network.js"
import { quickRandom } from "../support/untrained-detector.js"

let parameters: Parameters
const scope = () => new Scope(parameters)
const fresh = () => {
  parameters = new Parameters(quickRandom(1))
  return parameters
}
afterEach(() => parameters.dispose())

const own: Record<string, OwnBackbone> = {
  "a described backbone": plainBackbone(),
  "a described backbone with two maps": twoLevelBackbone,
  "a backbone of tensors": tensorBackbone,
}
const made = (backbone: OwnBackbone): Backbone =>
  typeof backbone === "function" ? backbone(scope()) : createBackbone(scope(), backbone)

onEveryEngine("the contract of a backbone", () => {
  test.each(Object.entries(own))("is kept by %s", async (_, backbone) => {
    fresh()
    await isBackbone(made(backbone))
  })

  test.each(["frozen", "batch", "group"] as const)("is kept by a small ResNet with %s norm", async (norm) => {
    fresh()
    await isBackbone(createBackbone(scope(), resNetBackbone(tinyNetwork, { norm, stages: 2, freezeAt: 1 })))
  })
})

describe("the contract of a backbone", () => {
  beforeAll(() => startEngine())

  test.each([0, 4])("is kept by a pyramid with %d parts frozen", async (freezeAt) => {
    fresh()
    const spec = fpnBackbone(resNetSpec(18), { norm: "batch", freezeAt, pyramidNorm: "none" })
    await isBackbone(createBackbone(scope(), spec))
  })

  test.each<[string, Partial<Backbone>]>([
    ["maps that are not as many as the strides", { strides: [16, 32] }],
    ["maps of other channels", { channels: 31 }],
    ["maps of another size", { strides: [8] }],
    ["strides that fall", { strides: [16, 8] }],
  ])("is broken by %s", async (_, wrong) => {
    fresh()
    await expect(isBackbone({ ...made(plainBackbone()), ...wrong })).rejects.toThrow()
  })
})

/** Few regions of few bins, so that the layers on them are small. */
const optionsFor = (levels: number, kind: DetectorKind = "c4") => {
  const { options } = preset("light", `fasterrcnn_resnet18_${kind}`)
  const sizes = levels === 1 ? [16, 32, 64] : Array.from({ length: levels }, (_, level) => 16 * 2 ** level)
  return { ...options, anchors: { ...options.anchors, sizes }, align: { ...options.align, size: 2 } }
}

onEveryEngine("the contract of a detector", () => {
  test("is kept by one of plain layers", async () => {
    const tiny = tinyDetector(2, fresh())
    await isDetector(tiny.detector, 2)
  })

  test.each(Object.entries(own))("is kept by one with %s", async (_, backbone) => {
    const levels = backbone === twoLevelBackbone ? 2 : 1
    const config = { ...modelDefaults, model: "own", options: optionsFor(levels) }
    await isDetector(buildFasterRcnn(fresh(), config, 3, backbone), 3)
    const names = [...parameters].map(({ name }) => name)
    expect(names.filter((name) => name.startsWith("backbone.")).length).toBeGreaterThan(0)
    expect(names).toContain("roi_heads.box_head.fc6.weight")
  })
})

describe("the contract of a detector", () => {
  beforeAll(() => startEngine())

  test.each([
    ["c4", 1],
    ["dc5", 1],
    ["fpn", 5],
    ["fpn_v2", 5],
  ] as const)("is kept by %s", async (kind, levels) => {
    const model = `fasterrcnn_resnet18_${kind}`
    const options = optionsFor(levels, kind)
    const config = { ...modelDefaults, model, norm: "batch", headNorm: "batch", frozen: 1, options } as const
    await isDetector(buildFasterRcnn(fresh(), config, 2), 2)
  })

  test("is broken by boxes that reach over the image", async () => {
    const { detector } = tinyDetector(2, fresh())
    const wrong = Object.create(detector) as typeof detector
    wrong.prepare = detector.prepare.bind(detector)
    wrong.losses = detector.losses.bind(detector)
    wrong.detect = (images: tf.Tensor4D, _, overrides) =>
      detector.detect(
        images,
        [
          [64, 96],
          [64, 96],
        ],
        overrides,
      )
    await expect(isDetector(wrong, 2)).rejects.toThrow("inside the image")
  })
})

test("an own backbone's maps need an anchor size each", () => {
  const config = { ...modelDefaults, model: "own", options: optionsFor(1) }
  expect(() => buildFasterRcnn(fresh(), config, 3, twoLevelBackbone)).toThrow(
    "own: expected 2 detector.anchors.sizes, one for each level of the pyramid, got 16, 32, 64",
  )
})

test("what an own backbone freezes does not train", () => {
  const config = { ...modelDefaults, model: "own", options: optionsFor(1) }
  buildFasterRcnn(fresh(), config, 3, plainBackbone())
  const fixed = [...parameters].filter(({ trainable, kind }) => !trainable && kind !== "statistic")
  expect(fixed.map(({ name }) => name)).toEqual(
    ["conv.weight", "norm.weight", "norm.bias"].map((n) => `backbone.0.${n}`),
  )
})
