import { createHash } from "node:crypto"
import * as tf from "@tensorflow/tfjs-core"
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest"
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
import { findNative } from "../../src/engine/native/cache.js"
import { bf16Units } from "../../src/engine/precision.js"
import { mayRecord } from "../../src/engine/recorded.js"
import { startEngine } from "../../src/engine/start.js"
import { detectorGradients } from "../../src/train/detector-gradients.js"
import { recordedGradients } from "../../src/train/gradients.js"
import { adamwDefaults, averageDefaults, sgdDefaults } from "../../src/train/options.js"
import { runTraining } from "../../src/train/run.js"
import type { RunEvents } from "../../src/train/run-events.js"
import type { RunOptions } from "../../src/train/run-options.js"
import { scheduleOptions } from "../../src/train/schedule.js"
import type { TrainingTask } from "../../src/train/training-task.js"
import { plainBackbone, twoLevelBackbone } from "../support/own-backbones.js"
import { rectangles } from "../support/tiny-detector.js"

const options: RunOptions = {
  epochs: 1,
  seed: 3,
  schedule: scheduleOptions({ base: 0.01, steps: 6, warmup: 2 }),
  sgd: sgdDefaults,
  clipNorm: 10,
  validateEvery: 0,
  metric: "score",
  reportEvery: 1,
}

/** What a run leaves: its weights, moments and means, and all that it told. */
async function outcome<Prepared extends { dispose(): void }>(
  { parameters, ...task }: Made<Prepared>,
  overrides: Partial<RunOptions>,
): Promise<unknown> {
  const told: unknown[] = []
  const values = (tensors: Iterable<tf.Tensor>) =>
    Array.from(tensors, (tensor) => createHash("sha256").update(tensor.dataSync<"float32">()).digest("hex"))
  const events: RunEvents = {
    onStep: async ({ losses }) => void told.push(losses),
    onEpoch: async () => {},
    onBest: async () => true,
    onSave: async (_, optimizer, average) => {
      told.push(values(optimizer.moments.values()), values(average?.means.values() ?? []))
    },
  }
  const whole: TrainingTask<number, Prepared> = {
    ...task,
    parameters,
    batchesPerEpoch: 6,
    async *batches(_epoch, start) {
      for (let batch = start; batch < 6; batch++) yield batch
    },
    next: (batch) => batch + 1,
    describe: String,
    waited: () => 0,
  }
  const before = tf.memory().numTensors
  await runTraining(whole, { ...options, ...overrides }, events, new AbortController().signal)
  expect(tf.memory().numTensors).toBe(before)
  told.push(values([...parameters].map(({ variable }) => variable)))
  parameters.dispose()
  return told
}

type Made<Prepared extends { dispose(): void }> = Pick<
  TrainingTask<number, Prepared>,
  "parameters" | "prepare" | "losses" | "gradients"
>

/** Batches of two sizes, each of other pictures: three of one, so that the third is the first that a function runs. */
const pictures = (batch: number) => {
  const side = batch % 4 === 3 ? 20 : 16
  return tf.randomUniform<tf.Rank.R4>([4, side, side, 3], -1, 1, "float32", batch)
}

function classifier(isRecorded: boolean, frozen = 0, precision: Precision = "float32"): Made<tf.Tensor4D> {
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

function ofLabels<Result>(labels: tf.Tensor1D, work: (labels: tf.Tensor1D) => Result): Result {
  try {
    return work(labels)
  } finally {
    labels.dispose()
  }
}

const model = { ...modelDefaults, model: "fasterrcnn_resnet18_c4" }

function detector(
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

/** Two pictures of rectangles with some noise; the last batch's are smaller, one of the first has no objects. */
async function prepared(made: FasterRcnn, batch: number): Promise<TrainingBatch> {
  const { pixels, shape, images } = rectangles()
  const height = batch === 5 ? 64 : shape[1]
  const x = tf.tidy(() => {
    const noise = tf.randomUniform<tf.Rank.R4>(shape, -0.5, 0.5, "float32", batch)
    return tf.slice(tf.add(tf.tensor4d(pixels, shape), noise), 0, [2, height, shape[2], 3]) as tf.Tensor4D
  })
  const empty = { boxes: new Float32Array(0), labels: new Int32Array(0), crowd: new Uint8Array(0) }
  const own = images.map((image, n) => ({ ...image, height, ...(batch === 3 && n === 0 && empty) }))
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
const kinds = {
  "of one map, its norms trained": { backbone: plainBackbone(), wishes: { anchors } },
  "of two maps, each region beside its whole image": {
    backbone: twoLevelBackbone,
    wishes: { anchors, context: true, align: { ...align, samplingRatio: 0, aligned: true } },
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

describe.runIf(findNative())("a recorded step", () => {
  beforeAll(async () => {
    await startEngine("tensorflow")
  })
  afterEach(() => vi.unstubAllEnvs())

  it.each<[string, number, Partial<RunOptions>]>([
    ["with SGD", 0, {}],
    ["with frozen layers and gradients cut", 2, { clipNorm: 0.1 }],
    [
      "with AdamW and running means, two batches a step",
      0,
      { adamw: adamwDefaults, accumulate: 2, average: averageDefaults },
    ],
  ])("of a classifier leaves the bits of one tape, %s", async (_, frozen, overrides) => {
    const [eager, recorded] = [
      await outcome(classifier(false, frozen), overrides),
      await outcome(classifier(true, frozen), overrides),
    ]
    expect(recorded).toEqual(eager)
  })

  it.each(Object.keys(kinds) as (keyof typeof kinds)[])(
    "of a detector %s leaves the bits of one tape",
    async (kind) => {
      expect(await outcome(detector(true, kind), {})).toEqual(await outcome(detector(false, kind), {}))
    },
  )

  it("of a detector takes two batches a step as one tape does", async () => {
    const kind = "of two maps, each region beside its whole image"
    expect(await outcome(detector(true, kind), { accumulate: 2 })).toEqual(
      await outcome(detector(false, kind), { accumulate: 2 }),
    )
  })

  it("is not made with RESDET_RECORD=off", () => {
    expect(mayRecord()).toBe(true)
    vi.stubEnv("RESDET_RECORD", "off")
    expect(mayRecord()).toBe(false)
  })

  describe.runIf(bf16Units().length > 0)("in bf16", () => {
    const loss = (told: unknown) => (told as { loss: number }[])[0]!.loss

    it("of a classifier is the same whenever it is made, and not float32's", async () => {
      const [first, second] = [
        await outcome(classifier(true, 0, "bf16"), {}),
        await outcome(classifier(true, 0, "bf16"), {}),
      ]
      expect(second).toEqual(first)
      const exact = await outcome(classifier(false), {})
      expect(loss(first)).not.toBe(loss(exact))
      expect(loss(first)).toBeCloseTo(loss(exact), 1)
    })

    it("of a detector is the same whenever it is made, and not float32's", async () => {
      const kind = "of one map, its norms trained"
      const [first, second] = [
        await outcome(detector(true, kind, "bf16"), {}),
        await outcome(detector(true, kind, "bf16"), {}),
      ]
      expect(second).toEqual(first)
      const exact = await outcome(detector(false, kind), {})
      expect(loss(first)).not.toBe(loss(exact))
      expect(loss(first)).toBeCloseTo(loss(exact), 1)
    })
  })
})
