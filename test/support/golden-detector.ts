import { readFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import { expect } from "vitest"
import type { Weights } from "../../src/core/parameters.js"
import type { Random } from "../../src/core/random.js"
import type { ModelConfig } from "../../src/detector/model.js"
import { modelDefaults } from "../../src/detector/model.js"
import { type DeepPartial, type FasterRcnnOptions, withOverrides } from "../../src/detector/options.js"
import type { TrainingImage } from "../../src/detector/truths.js"
import { adaptNorms } from "../../src/weights/norms.js"
import { expectClose } from "./close.js"
import { madeUp, madeUpWeight } from "./made-up.js"

/** What is kept of a tensor: see `sampled` in scripts/golden-detector.py. */
export interface Sampled {
  readonly shape: readonly number[]
  readonly mean: number
  readonly meanAbs: number
  readonly every: number
  readonly values: readonly number[]
}

export interface GoldenBatch {
  readonly name: string
  readonly sizes: readonly (readonly [number, number])[]
  /** One a level. */
  readonly features: readonly Sampled[]
  readonly logits: readonly Sampled[]
  readonly deltas: readonly Sampled[]
  readonly anchors: Sampled
  readonly proposals: readonly (readonly number[])[]
  readonly pooled: Sampled
  readonly vectors: Sampled
  readonly classLogits: Sampled
  readonly boxDeltas: Sampled
  readonly detections: readonly {
    readonly boxes: readonly number[]
    readonly scores: readonly number[]
    readonly labels: readonly number[]
  }[]
  readonly truths: readonly { readonly boxes: readonly number[]; readonly labels: readonly number[] }[]
  readonly training: {
    readonly proposals: readonly (readonly number[])[]
    readonly anchors: readonly {
      readonly positives: readonly number[]
      readonly negatives: readonly number[]
      readonly deltas: readonly number[]
    }[]
    readonly regions: readonly {
      readonly boxes: readonly number[]
      readonly labels: readonly number[]
      readonly deltas: readonly number[]
    }[]
    readonly losses: Readonly<Record<string, number>>
    readonly gradients: Readonly<Record<string, Sampled>>
  }
}

export interface GoldenDetector {
  readonly classes: number
  readonly settings: Readonly<Record<string, number>>
  readonly scales: Readonly<Record<string, number>>
  readonly shifts?: Readonly<Record<string, number>>
  /** PyTorch's shape of every entry of torchvision's state dict. */
  readonly weights: Readonly<Record<string, readonly number[]>>
  readonly batches: readonly GoldenBatch[]
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/detector/${name}.json`, import.meta.url), "utf8")) as T
}

/** The made-up weights by torchvision's names, batch norms folded where they are frozen. */
export function goldenWeights(kind: string, { weights, scales, shifts }: GoldenDetector): Weights {
  const entries = Object.entries(weights).map(
    ([name, shape]) => [name, madeUpWeight(name, shape, scales[name], shifts?.[name])] as const,
  )
  return adaptNorms(new Map(entries), () => normOf(kind))
}

/** What the detectors of the script do otherwise than torchvision by default. */
const choices: Readonly<Record<string, DeepPartial<FasterRcnnOptions>>> = {
  dc5: {
    align: { samplingRatio: 0, aligned: true },
    rpn: { loss: { type: "l1" } },
    roi: { loss: { type: "giou" }, classAgnostic: true },
  },
}

const normOf = (kind: string) => (kind === "fpn_v2" ? "batch" : "frozen")

/** A detector of the script as we configure it, torchvision's arguments by our names. */
export function goldenConfig(kind: string, { settings }: GoldenDetector): ModelConfig {
  const options = withOverrides(modelDefaults.options, choices[kind] ?? {})
  const setting = (name: string) => settings[name]!
  const proposals = (when: "train" | "test") => ({
    ...options.proposals[when],
    preNmsTopN: setting(`rpn_pre_nms_top_n_${when}`),
    postNmsTopN: setting(`rpn_post_nms_top_n_${when}`),
  })
  return {
    ...modelDefaults,
    model: `fasterrcnn_resnet18_${kind}`,
    norm: normOf(kind),
    conv5Norm: normOf(kind),
    headNorm: "batch",
    // torchvision's batch norms count every batch, also in layers that do not learn.
    frozen: kind === "fpn_v2" ? 0 : modelDefaults.frozen,
    options: {
      ...options,
      proposals: { train: proposals("train"), test: proposals("test") },
      rpn: {
        ...options.rpn,
        sample: { ...options.rpn.sample, batchSizePerImage: setting("rpn_batch_size_per_image") },
      },
      roi: {
        ...options.roi,
        sample: { ...options.roi.sample, batchSizePerImage: setting("box_batch_size_per_image") },
      },
      select: {
        ...options.select,
        score: setting("box_score_thresh"),
        maxDetections: setting("box_detections_per_img"),
      },
    },
  }
}

/** The batch's made-up pictures, padded with zeros to a multiple of 32 as torchvision does. */
export function goldenImages(kind: string, { name, sizes }: GoldenBatch): tf.Tensor4D {
  const padded = [0, 1].map((axis) => 32 * Math.ceil(Math.max(...sizes.map((size) => size[axis]!)) / 32))
  const pictures = sizes.map(([height, width], n) => {
    const pixels = madeUp(`${kind} ${name} ${n}`, 3 * height * width, (value) => 4 * value)
    const picture = tf.transpose(tf.tensor3d(pixels, [3, height, width]), [1, 2, 0])
    return tf.pad(picture, [
      [0, padded[0]! - height],
      [0, padded[1]! - width],
      [0, 0],
    ])
  })
  return tf.stack(pictures) as tf.Tensor4D
}

export function goldenTruths({ sizes, truths }: GoldenBatch): TrainingImage[] {
  return sizes.map(([height, width], n) => ({
    height,
    width,
    boxes: Float32Array.from(truths[n]!.boxes),
    labels: Int32Array.from(truths[n]!.labels),
    crowd: new Uint8Array(truths[n]!.labels.length),
    difficult: new Uint8Array(truths[n]!.labels.length),
  }))
}

/** Draws by a fixed rule, as `scrambled` in the script makes torchvision do. */
export const fixedChoice: Random = {
  integer: (below) => (Math.imul(below, 0x9e3779b1) >>> 0) % below,
  uniform: () => 0,
  normal: () => 0,
}

/** Asserts that `actual` is the tensor of which a sample was kept, to `tolerance` of its largest value. */
export function expectSampled(actual: tf.Tensor, expected: Sampled): void {
  const tolerance = 1e-4
  expect(actual.shape).toEqual(expected.shape)
  const values = actual.dataSync<"float32">()
  const sum = values.reduce((total, value) => total + value, 0)
  const sumAbs = values.reduce((total, value) => total + Math.abs(value), 0)
  expect(Math.abs(sum / values.length - expected.mean)).toBeLessThanOrEqual(tolerance * expected.meanAbs)
  expect(Math.abs(sumAbs / values.length - expected.meanAbs)).toBeLessThanOrEqual(tolerance * expected.meanAbs)
  expectClose(
    Array.from(values).filter((_, at) => at % expected.every === 0),
    expected.values,
    tolerance,
  )
}

/** Asserts that boxes are the same in the same order, to a thousandth of a pixel. */
export function expectBoxes(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length)
  const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(actual[at]! - value)), 0)
  expect(worst).toBeLessThanOrEqual(1e-3)
}
