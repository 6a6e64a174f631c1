/**
 * What a run of `resdet train` has trained on, for another program to train on too: its first weights and every step's images,
 * boxes and learning rate, made by the modules that training uses.
 * `training-plan.js RUN OUT` writes OUT/start.safetensors, and OUT/plan.jsonl: a line about the run, then one a step.
 */
import { join } from "node:path"
import type { DetectionBatch } from "../../datasets/loader/detection-loader.js"
import { log, print } from "../../src/cli/report.js"
import { DataError, UsageError } from "../../src/core/errors.js"
import type { Parameter } from "../../src/core/parameters.js"
import { makeFolder, writeWhole } from "../../src/core/write-whole.js"
import type { ModelConfig } from "../../src/detector/model.js"
import { parseModel } from "../../src/detector/model.js"
import { fasterRcnnDefaults } from "../../src/detector/options.js"
import { trainingTruths } from "../../src/detector/truths.js"
import { listenerOf } from "../../src/tasks/hooks.js"
import type { TrainConfig } from "../../src/tasks/options/train-detector.js"
import { detectorTrainer } from "../../src/tasks/train-detector.js"
import { loaderOf } from "../../src/tasks/training/detector-loader.js"
import { decays, evenRates } from "../../src/train/options.js"
import { type RunOptions, runLength } from "../../src/train/run-options.js"
import { learningRate } from "../../src/train/schedule.js"
import { decideAgain, savedRun } from "./decided-run.js"

const [run, out] = process.argv.slice(2)
if (run === undefined || out === undefined) throw new UsageError("training-plan: expected RUN and OUT, two folders")

const saved = savedRun(run)
expectComparable(run, saved.config, detectorTrainer.complete!(run, saved.model))
const listener = listenerOf({ onLog: log })
const { config, model, data, start } = await decideAgain(saved, listener)
const prepared = await detectorTrainer.prepare({ config, model, data, start }, listener)
const loader = loaderOf(config, model, data.training)
try {
  makeFolder(out)
  prepared.saved.save(join(out, "start.safetensors"), {})
  const about = aboutRun(config, model, prepared.options, prepared.parameters.trainable())
  const lines = [about, ...(await steps(prepared.options))]
  writeWhole(join(out, "plan.jsonl"), lines.map((line) => `${JSON.stringify(line)}\n`).join(""))
  print(`${lines.length - 1} steps in ${join(out, "plan.jsonl")}`)
} finally {
  await loader.close()
  await prepared.close()
}

/** @throws UsageError for a run that has what torchvision's detector or a list of images cannot repeat */
function expectComparable(run: string, config: TrainConfig, { norm, options, model }: ModelConfig): void {
  const { rpn, roi, align, context } = options
  const usual = fasterRcnnDefaults
  const isPlain: Readonly<Record<string, boolean>> = {
    "data of files": typeof config.data === "string" && config.valData === undefined,
    "all classes, no tiles": config.classes === undefined && !config.singleClass && config.tiles === undefined,
    "no class weights": config.classWeights === undefined,
    "no augmentation but the mirror image": (config.augment ?? "none") === "none" && config.verticalFlip === 0,
    "SGD, one batch a step, one process":
      config.optimizer === "sgd" && config.accumulate === 1 && (config.processes ?? 1) === 1,
    "a schedule that does not wait for validation": config.schedule !== "plateau",
    "float32 weights without an average": config.precision === "float32" && !config.ema,
    "both parts at once": config.part === "both" && !config.alternate,
    "a C4 or FPN detector with frozen norm":
      ["frozen", "unfolded"].includes(norm) && ["c4", "fpn"].includes(parseModel(model).kind),
    "torchvision's losses and anchors":
      JSON.stringify([rpn.loss, roi.loss]) === JSON.stringify([usual.rpn.loss, usual.roi.loss]) &&
      rpn.borderAnchors &&
      rpn.width === 0 &&
      rpn.objectness === "sigmoid",
    "torchvision's region head":
      align.operator === "align" && !align.aligned && !context && !roi.classAgnostic && roi.match.negativeFrom === 0,
  }
  const missing = Object.keys(isPlain).find((what) => !isPlain[what])
  if (missing !== undefined) throw new UsageError(`${run}: only runs with ${missing} can be repeated by torchvision`)
}

/** What holds for all steps; `parameters` are those that learn, with their share of the rate and whether they decay. */
function aboutRun(config: TrainConfig, model: ModelConfig, options: RunOptions, trainable: readonly Parameter[]) {
  const { data, images, valSplit, seed } = config
  return {
    ...{ data, images, valSplit, seed, model, classes: saved.data.classes },
    momentum: options.sgd.momentum,
    weightDecay: options.sgd.weightDecay,
    clipNorm: options.clipNorm,
    schedule: options.schedule,
    parameters: trainable.map((parameter) => ({
      name: parameter.name,
      rate: (options.rates ?? evenRates)(parameter),
      decays: decays(parameter),
    })),
  }
}

/** Each step: its learning rate and its images, boxes in input pixels after the mirroring. */
async function steps(options: RunOptions): Promise<object[]> {
  const length = runLength(options, loader.batchesPerEpoch).steps
  const made: object[] = []
  for (let epoch = 0; made.length < length; epoch++) {
    for await (const { images, shape } of loader.epoch(epoch)) {
      if (made.length === length) break
      const rate = learningRate(made.length, options.schedule)
      made.push({ step: made.length + 1, epoch: epoch + 1, rate, padded: shape.slice(1, 3), images: images.map(told) })
    }
  }
  return made
}

function told(image: DetectionBatch["images"][number]) {
  const { height, width, flipped, record } = image
  const { boxes, labels, crowds } = trainingTruths(image, model.options.difficult)
  if (crowds.length > 0) throw new DataError(`${record.file}: has a crowd region, which torchvision does not know`)
  return { file: record.file, height, width, flipped, boxes: [...boxes], labels: [...labels] }
}
