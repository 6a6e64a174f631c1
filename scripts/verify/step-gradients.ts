/**
 * The losses and gradients of a run's first step, where no draw decides: all anchors and all regions are in the samples. For
 * another program that begins from OUT/start.safetensors, with the first step of OUT/plan.jsonl, both of `training-plan.js`.
 * `step-gradients.js RUN OUT` writes OUT/gradients.safetensors: gradients by their parameters' names, PyTorch's axes; the
 * losses, and how large the samples may be, in its metadata.
 */
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { log } from "../../src/cli/report.js"
import { UsageError } from "../../src/core/errors.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import type { ModelConfig } from "../../src/detector/model.js"
import { trainingTruths } from "../../src/detector/truths.js"
import { listenerOf } from "../../src/tasks/hooks.js"
import { loaderOf } from "../../src/tasks/training/detector-loader.js"
import { detectorGradients } from "../../src/train/detector-gradients.js"
import { toTorchAxes } from "../../src/weights/axes.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { fillModel } from "../../src/weights/open-model.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { decideAgain, savedRun } from "./decided-run.js"

const [run, out] = process.argv.slice(2)
if (run === undefined || out === undefined) throw new UsageError("step-gradients: expected RUN and OUT, two folders")

const { config, model, data } = await decideAgain(savedRun(run), listenerOf({ onLog: log }))
const checkpoint = Checkpoint.open(join(out, "start.safetensors"))
const loader = loaderOf(config, model, data.training)
try {
  for await (const { pixels, shape, images } of loader.epoch(0)) {
    const photos = tf.tensor4d(pixels, shape as [number, number, number, number])
    const truths = images.map((image) => trainingTruths(image, model.options.difficult).labels.length)
    const anchors = countAnchors(photos)
    const regions = model.options.proposals.train.postNmsTopN + Math.max(...truths)
    const { model: detector, parameters } = open(everything(model, anchors, regions))
    const ready = await detector.prepare(photos, images)
    const { names, figures, gradients } = detectorGradients(detector, () => parameters.trainable())!(ready, 1)
    const losses = Object.fromEntries(names.map((name, i) => [name, figures.dataSync()[i]!]))
    writeSafetensors(
      join(out, "gradients.safetensors"),
      parameters.trainable().map(({ name, variable }) => {
        const values = gradients[variable.name]!.dataSync<"float32">()
        return [name, toTorchAxes({ shape: variable.shape, values })] as const
      }),
      { losses: JSON.stringify(losses), anchors: String(anchors), regions: String(regions) },
    )
    break
  }
} finally {
  await loader.close()
}

function open(config: ModelConfig) {
  return fillModel(checkpoint, (parameters) => buildFasterRcnn(parameters, config, data.training.classes.length))
}

/** How many anchors lie on the maps of a batch's images. */
function countAnchors(photos: tf.Tensor4D): number {
  const { model: detector } = open(model)
  const levels = detector.features(photos)
  return detector.recordable!.rpn.anchors(levels).reduce((sum, { length }) => sum + length / 4, 0)
}

/** The same detector, whose samples have room for all there is. */
function everything(config: ModelConfig, anchors: number, regions: number): ModelConfig {
  const { options } = config
  const all = (batchSizePerImage: number) => ({ batchSizePerImage, positiveFraction: 1 })
  const rpn = { ...options.rpn, sample: all(anchors) }
  return { ...config, options: { ...options, rpn, roi: { ...options.roi, sample: all(regions) } } }
}
