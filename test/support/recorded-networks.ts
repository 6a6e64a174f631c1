import * as tf from "@tensorflow/tfjs-core"
import type { Loaded, Loader } from "../../datasets/loader/loader.js"
import type { BackboneSpec } from "../../src/backbone/backbone.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { cifarSpec } from "../../src/backbone/networks.js"
import { softmaxCrossEntropy } from "../../src/core/losses.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { type Random, seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import type { FasterRcnn, TrainingBatch } from "../../src/detector/faster-rcnn.js"
import { modelDefaults } from "../../src/detector/model.js"
import { type FasterRcnnOptions, fasterRcnnDefaults } from "../../src/detector/options.js"
import type { Precision } from "../../src/engine/names.js"
import type { CropBatch } from "../../src/localize/crop-loader.js"
import type { RegionBatch } from "../../src/localize/region-loader.js"
import { cropTask, regionTask } from "../../src/localize/tasks.js"
import { detectorGradients } from "../../src/train/detector-gradients.js"
import { recordedGradients } from "../../src/train/gradients.js"
import { sgdDefaults } from "../../src/train/options.js"
import type { RunOptions } from "../../src/train/run-options.js"
import { scheduleOptions } from "../../src/train/schedule.js"
import type { TrainingTask } from "../../src/train/training-task.js"
import { tinyLocalizer, tinyRegionNetwork } from "../localize/tiny-localizer.js"
import { plainBackbone, twoLevelBackbone } from "./own-backbones.js"
import { rectangles } from "./tiny-detector.js"

/** An epoch of six steps. */
export const shortRun: RunOptions = {
  epochs: 1,
  seed: 3,
  schedule: scheduleOptions({ base: 0.01, steps: 6, warmup: 2 }),
  sgd: sgdDefaults,
  clipNorm: 10,
  validateEvery: 0,
  metric: "score",
  reportEvery: 1,
}

/** Six batches an epoch of something that is trained. */
export const taskOf = <Prepared extends { dispose(): void }>(made: Made<Prepared>): TrainingTask<number, Prepared> => ({
  ...made,
  batchesPerEpoch: 6,
  async *batches(_epoch, start) {
    for (let batch = start; batch < 6; batch++) yield batch
  },
  next: (batch) => batch + 1,
  images: (batch) => [String(batch)],
  waited: () => 0,
})

/** What of a task differs from network to network; a batch is its number. */
export type Made<Prepared extends { dispose(): void }> = Pick<
  TrainingTask<number, Prepared>,
  "parameters" | "prepare" | "losses" | "gradients"
>

/** Batches of two sizes, each of other pictures: three of one, so that the third is the first that a function runs. */
const pictures = (batch: number) => {
  const side = batch % 4 === 3 ? 20 : 16
  return tf.randomUniform<tf.Rank.R4>([4, side, side, 3], -1, 1, "float32", batch)
}

/** @param isRecorded whether its steps are, else they go by a gradient tape */
export function classifier(isRecorded: boolean, frozen = 0, precision: Precision = "float32"): Made<tf.Tensor4D> {
  const parameters = new Parameters(seededRandom(0))
  const network = new ResNet(new Scope(parameters), cifarSpec(8), { frozen })
  const forward = (stem: tf.Tensor4D, labels: tf.Tensor1D) => ({
    losses: { loss_classifier: tf.mean(softmaxCrossEntropy(network.train(stem), labels)) as tf.Scalar },
  })
  const step = recordedGradients(forward, () => parameters.trainable(), precision)
  const labels = (batch: number) => tf.tensor1d([batch, 1, 2 + (batch % 3), 7], "int32")
  return {
    parameters,
    prepare: async (batch) => tf.tidy(() => network.frozenFeatures(pictures(batch))),
    losses: (stem, batch) => forward(stem, labels(batch)).losses,
    ...(isRecorded && { gradients: (stem, batch) => ofLabels(labels(batch), (wanted) => step(stem, wanted)) }),
  }
}

/** @param stage a per-class RPN, whose crops show four to eight classes in all, or the second stage */
export function localizer(isRecorded: boolean, stage: "rpn" | "rcnn"): Made<tf.Tensor4D> {
  const ofStage = stage === "rpn" ? cropLessons() : regionLessons()
  const { gradients, ...byTape } = ofStage
  return isRecorded ? { ...byTape, gradients: gradients! } : byTape
}

function cropLessons(): Made<tf.Tensor4D> {
  const { rpn, parameters } = tinyLocalizer()
  const crops = (batch: number): CropBatch => {
    const truths = [0, 1, 2, 3].map((n) =>
      [1, 2].slice(0, n > batch - 2 ? 1 : 2).map((label) => ({
        label,
        boxes: Float32Array.of(8 * n, 4 * batch, 8 * n + 24, 4 * batch + 20),
        ignored: new Float32Array(0),
      })),
    )
    return { ...pixelsOf(batch, [4, 64, 64, 3]), truths, records: [] }
  }
  const task = cropTask(rpn, parameters, { batchesPerEpoch: 6 } as Loader<unknown, CropBatch>)
  return byNumber(task, crops)
}

function regionLessons(): Made<tf.Tensor4D> {
  const { network, parameters } = tinyRegionNetwork()
  const regions = (batch: number): RegionBatch => {
    const positive = [0, 1, 2, 3].map((r) => r < batch % 3)
    const deltas = Float32Array.from({ length: 4 * (batch % 3) }, (_, i) => i / 4 - batch / 6)
    return { ...pixelsOf(batch, [4, 32, 32, 3]), labels: [1, 2, 2, 1], positive, deltas, records: [] }
  }
  const task = regionTask(network, parameters, { batchesPerEpoch: 6 } as Loader<unknown, RegionBatch>)
  return byNumber(task, regions)
}

/** A task whose batches are made from their numbers. */
function byNumber<Batch>(task: TrainingTask<Loaded<Batch>>, make: (batch: number) => Batch): Made<tf.Tensor4D> {
  const loaded = (index: number) => ({ ...make(index), epoch: 0, index, waitedMs: 0 })
  return {
    parameters: task.parameters,
    prepare: (batch) => task.prepare(loaded(batch)),
    losses: (stem, batch, random) => task.losses(stem, loaded(batch), random),
    gradients: (stem, batch, random) => task.gradients!(stem, loaded(batch), random),
  }
}

function pixelsOf(batch: number, shape: readonly [number, number, number, number]) {
  const random = seededRandom(batch)
  return { shape, pixels: Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => random.normal()) }
}

function ofLabels<Result>(labels: tf.Tensor1D, work: (labels: tf.Tensor1D) => Result): Result {
  try {
    return work(labels)
  } finally {
    labels.dispose()
  }
}

const model = { ...modelDefaults, model: "fasterrcnn_resnet18_c4" }

interface Kind {
  readonly backbone: BackboneSpec
  readonly wishes: Partial<FasterRcnnOptions>
  readonly training?: { readonly classWeights: readonly number[] }
}

/** @param kind one of `kinds` */
export function detector(
  isRecorded: boolean,
  kind: keyof typeof kinds,
  precision: Precision = "float32",
): Made<TrainingBatch> {
  const parameters = new Parameters(seededRandom(0))
  const { backbone, wishes, training }: Kind = kinds[kind]
  const roi = { ...fasterRcnnDefaults.roi, sample: { batchSizePerImage: 24, positiveFraction: 0.25 } }
  const { proposals } = fasterRcnnDefaults
  const train = { ...proposals.train, preNmsTopN: 100, postNmsTopN: 40 }
  const full: FasterRcnnOptions = { ...fasterRcnnDefaults, roi, proposals: { ...proposals, train }, ...wishes }
  const made = buildFasterRcnn(parameters, { ...model, options: full }, 2, backbone, precision, training)
  const step = detectorGradients(made, () => parameters.trainable(), precision)!
  return {
    parameters,
    prepare: (batch) => prepared(made, batch),
    losses: (batch, _, random) => made.losses(batch, seededRandom(random.integer(1000))),
    ...(isRecorded && {
      gradients: (batch: TrainingBatch, _: number, random: Random) => step(batch, random.integer(1000)),
    }),
  }
}

/** Two pictures of rectangles with some noise; the last batch's are smaller, the second one's width differs within its frame,
 * one has no objects. */
async function prepared(made: FasterRcnn, batch: number): Promise<TrainingBatch> {
  const { pixels, shape, images } = rectangles()
  const height = batch === 5 ? 64 : shape[1]
  const x = tf.tidy(() => {
    const noise = tf.randomUniform<tf.Rank.R4>(shape, -0.5, 0.5, "float32", batch)
    return tf.slice(tf.add(tf.tensor4d(pixels, shape), noise), 0, [2, height, shape[2], 3]) as tf.Tensor4D
  })
  const empty = { boxes: new Float32Array(0), labels: new Int32Array(0), crowd: new Uint8Array(0) }
  const own = images.map((image, n) => {
    const width = n === 0 ? image.width : image.width - 2 * (batch % 4)
    return { ...image, height, width, ...(batch === 3 && n === 0 && empty) }
  })
  try {
    return await made.prepare(x, own)
  } finally {
    x.dispose()
  }
}

interface Kind {
  readonly backbone: BackboneSpec
  readonly wishes: Partial<FasterRcnnOptions>
  readonly training?: { readonly classWeights: readonly number[] }
}

const anchors = { ...fasterRcnnDefaults.anchors, sizes: [32, 64] }
const align = fasterRcnnDefaults.align
export const kinds = {
  "of one map, its norms trained": { backbone: plainBackbone(), wishes: { anchors } },
  "of two maps, each region beside its whole image": {
    backbone: twoLevelBackbone,
    wishes: { anchors, context: true, align: { ...align, samplingRatio: 0, aligned: true } },
  },
  "of two maps, as many points of each region, beside its whole image": {
    backbone: twoLevelBackbone,
    wishes: { anchors, context: true },
  },
  "with weights of its classes": {
    backbone: plainBackbone(),
    wishes: { anchors },
    training: { classWeights: [1, 3, 0.25] },
  },
  "with RoI pooling and GIoU": {
    backbone: plainBackbone("frozen"),
    wishes: {
      anchors,
      align: { ...align, operator: "pool" },
      roi: {
        ...fasterRcnnDefaults.roi,
        sample: { batchSizePerImage: 16, positiveFraction: 0.5 },
        loss: { ...fasterRcnnDefaults.roi.loss, type: "giou" },
      },
    },
  },
} satisfies Record<string, Kind>
