import * as tf from "@tensorflow/tfjs-core"
import type { Dataset, ImageRecord } from "../../datasets/dataset.js"
import type { DetectionBatch } from "../../datasets/loader/detection-loader.js"
import type { Loaded, Loader } from "../../datasets/loader/loader.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import type { Parameters } from "../core/parameters.js"
import { type Random, seededRandom } from "../core/random.js"
import type { FasterRcnn, TrainingBatch } from "../detector/faster-rcnn.js"
import type { InputConfig } from "../detector/model.js"
import type { TrainingPart } from "../detector/training-part.js"
import { sizeOf } from "../detector/truths.js"
import type { Precision } from "../engine/names.js"
import { mayRecord } from "../engine/recorded.js"
import { DetectionEvaluator } from "../eval/evaluator.js"
import type { EvalReport } from "../eval/report.js"
import { detectDataset } from "./detect-dataset.js"
import { detectorGradients } from "./detector-gradients.js"
import { Means } from "./means.js"
import type { TrainingTask } from "./training-task.js"

/**
 * The figures of a validation, by the names that `--metric` and results.csv know; `bestScore` is the score threshold of the
 * highest F1.
 */
function detectionMetrics(report: EvalReport): Record<string, number> {
  const { coco, voc, bestThreshold } = report
  return {
    voc12: voc[0]?.voc12 ?? Number.NaN,
    voc07: voc[0]?.voc07 ?? Number.NaN,
    AP: coco.AP,
    AP50: coco.AP50,
    AP75: coco.AP75,
    bestScore: bestThreshold?.score ?? Number.NaN,
  }
}

/** What of a detector learns, and how it is validated. */
interface DetectionTaskOptions {
  /** Whose losses count: `both` where left out. */
  readonly part?: TrainingPart
  /** Whose proposals the head is trained on, where they are not the detector's own. */
  readonly proposer?: Pick<FasterRcnn, "propose"> | undefined
  /** Takes what is wrong with the validation images. */
  readonly faults?: PhotoFaults
  /** Whether the losses are measured too: means over the images. */
  readonly losses?: boolean
  /** Takes what a validation that came to its end has matched. */
  onEvaluated?(evaluator: DetectionEvaluator): void
  /** What training steps are computed in. */
  readonly precision?: Precision
}

/** A detector, its training batches and its validation data as something `runTraining` can train. */
export function detectionTask(
  detector: FasterRcnn,
  parameters: Parameters,
  loader: Loader<unknown, DetectionBatch>,
  validation: Dataset | undefined,
  config: InputConfig,
  {
    part = "both",
    proposer,
    faults = new PhotoFaults(validation?.source),
    losses = false,
    onEvaluated,
    precision,
  }: DetectionTaskOptions = {},
): TrainingTask<Loaded<DetectionBatch>, TrainingBatch> {
  // Parts of a step, and proposals of another detector, go by a tape.
  const isWhole = part === "both" && proposer === undefined && mayRecord()
  const gradients = isWhole ? detectorGradients(detector, () => parameters.trainable(), precision) : undefined
  return {
    parameters,
    batchesPerEpoch: loader.batchesPerEpoch,
    batches: (epoch, start, isOwn) => loader.epoch(epoch, start, isOwn),
    next: ({ index }) => index + 1,
    async prepare({ pixels, shape, images }) {
      const input = tf.tensor4d(pixels, [...shape])
      try {
        return await detector.prepare(input, images, await proposer?.propose(input, images.map(sizeOf)))
      } finally {
        input.dispose()
      }
    },
    losses: (prepared, _, random) => detector.partLosses(prepared, seededRandom(seedOf(random)), part),
    ...(gradients && { gradients: (prepared, _, random) => gradients(prepared, seedOf(random)) }),
    images: ({ images }) => images.map(({ record }) => record.id),
    waited: ({ waitedMs }) => waitedMs,
    ...(validation && {
      async validate(signal, onImage, peers) {
        const evaluator = DetectionEvaluator.of(validation, { details: false })
        const means = new Means()
        const own: Looked[] = []
        const count = ({ index, found, losses: one }: Looked) => {
          if (one !== undefined) means.add({ ...one, loss: sumOf(one) })
          evaluator.addImage(validation.images[index]!.imageId, found)
        }
        let lost: Looked["losses"]
        const take = (_: ImageRecord, found: Detections, index: number) => {
          const one = { index, found, losses: lost }
          if (peers === undefined) count(one)
          else own.push(one)
        }
        await detectDataset(detector, validation.images, config, take, {
          signal,
          faults,
          onImage,
          ...(peers && { share: peers }),
          ...(losses && { onLosses: (one) => (lost = one) }),
        })
        if (peers !== undefined) {
          const all = (await peers.exchange(own)).flat()
          for (const one of all.sort((a, b) => a.index - b.index)) count(one)
        }
        if (!signal.aborted) onEvaluated?.(evaluator)
        const named = Object.entries(means.means()).map(([name, value]) => [`val_${name}`, value])
        return { ...detectionMetrics(evaluator.report()), ...Object.fromEntries(named) }
      },
    }),
  }
}

/** What was found in an image, and its losses where they are measured. */
interface Looked {
  readonly index: number
  readonly found: Detections
  readonly losses: Readonly<Record<string, number>> | undefined
}

/** One draw a batch, however many its samples need: those of the next do not depend on what was found in this one. */
const seedOf = (random: Random): number => random.integer(2 ** 31 - 1)

const sumOf = (losses: Readonly<Record<string, number>>) => Object.values(losses).reduce((sum, loss) => sum + loss, 0)
