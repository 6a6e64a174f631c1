import type { Dataset } from "../../../datasets/dataset.js"
import type { ModelConfig } from "../../detector/model.js"
import type { DeepPartial, FasterRcnnOptions } from "../../detector/options.js"
import { defaultPreset } from "../../detector/preset-names.js"
import { preset } from "../../detector/presets.js"
import { adamwDefaults, type RateFactors, sgdOptions } from "../../train/options.js"
import { type RunOptions, runLength } from "../../train/run-options.js"
import { scheduleOptions } from "../../train/schedule.js"
import type { Checkpoint } from "../../weights/checkpoint.js"
import { planModel, planOwnModel } from "../../weights/plan.js"
import type { TrainConfig } from "../options/train-detector.js"
import { batchesPerStep, commonRunOptions } from "../options/training.js"

/** What the detector of a run is like: the preset's, or that of the weights, with the user's own values. */
export function detectorModelConfig(config: TrainConfig, checkpoint: Checkpoint | undefined): ModelConfig {
  const { model, preset, strideIn, size, maxSize, sizeRule, norm, conv5Norm, headNorm, frozen } = config
  const options = config.detector as DeepPartial<FasterRcnnOptions>
  const plan = config.backbone === undefined ? planModel : planOwnModel
  const sides = { size, maxSize, sizeRule }
  return plan(checkpoint, { model, preset, strideIn, ...sides, norm, conv5Norm, headNorm, frozen, options })
}

/** How a run goes: length, rate and drops, in steps of so many batches. */
export function detectorRunOptions(
  config: TrainConfig,
  format: Dataset["format"],
  batchesPerEpoch: number,
): RunOptions {
  const { ema, emaDecay, emaRamp } = config
  const accumulate = batchesPerStep(config)
  const asked = { ...(config.steps !== undefined && { steps: config.steps }), accumulate }
  const { steps, stepsPerEpoch } = runLength({ epochs: config.epochs ?? 0, ...asked }, batchesPerEpoch)
  const epochs = config.epochs ?? Math.ceil(steps / stepsPerEpoch)
  const drops = config.drops?.map((drop) => drop / (config.steps ?? epochs))
  return {
    epochs,
    ...asked,
    ...commonRunOptions(config),
    schedule: scheduleOptions({
      base: config.lr ?? ratePerImage(config) * config.batch * accumulate,
      steps,
      shape: config.schedule,
      patience: config.plateauPatience,
      ...(drops && { drops }),
      warmup: config.warmup ?? Math.min(1000, stepsPerEpoch - 1, steps - 1),
    }),
    sgd: sgdOptions({ momentum: config.momentum, weightDecay: config.weightDecay }),
    ...(config.optimizer === "adamw" && { adamw: { ...adamwDefaults, weightDecay: config.weightDecay } }),
    rates: ratesOf(config),
    clipNorm: config.clipNorm,
    ...(ema && { average: { decay: emaDecay, ramp: emaRamp } }),
    validateEvery: config.valEvery,
    metric: config.metric ?? (format === "voc" ? "voc12" : "AP"),
  }
}

/** The ResNet's layers and the biases may learn at rates of their own. */
function ratesOf({ backboneRate, biasRate }: TrainConfig): RateFactors {
  const isBackbone = (name: string) => name.startsWith("backbone.") && !name.startsWith("backbone.fpn.")
  return ({ name, kind }) => (isBackbone(name) ? backboneRate : 1) * (kind === "bias" ? biasRate : 1)
}

const ratePerImage = (config: TrainConfig) => preset(config.preset ?? defaultPreset, config.model).ratePerImage

/** `learning rate 0.01 (0.005 an image x batch 2), warm-up 5 steps; 12 epochs of 100 steps` */
export function scheduleLine(config: TrainConfig, { epochs, steps, schedule }: RunOptions, batches: number): string {
  const { batch, optimizer } = config
  const accumulate = batchesPerStep(config)
  const times = accumulate === 1 ? "" : ` x ${accumulate} batches a step`
  const why = config.lr === undefined ? ` (${ratePerImage(config)} an image x batch ${batch}${times})` : ""
  const { stepsPerEpoch } = runLength({ epochs, accumulate }, batches)
  const length = steps === undefined ? `${epochs} epochs` : `${steps} steps in epochs`
  const by = optimizer === "sgd" ? "" : "AdamW, "
  return `${by}learning rate ${schedule.base}${why}, warm-up ${schedule.warmup} steps; ${length} of ${stepsPerEpoch} steps`
}

/**
 * The options of a run like this one with nothing left open. It names no preset and no recipe: what they say stands there
 * value by value.
 */
export function explicitOptions(
  { preset: _, recipe: __, ...config }: TrainConfig,
  model: ModelConfig,
  { schedule, metric }: RunOptions,
): object {
  const length = config.steps ?? config.epochs
  return {
    ...config,
    lr: schedule.base,
    warmup: schedule.warmup,
    drops: config.drops ?? (schedule.shape === "steps" ? schedule.drops.map((share) => share * length!) : undefined),
    metric,
    size: model.size,
    maxSize: model.maxSize,
    sizeRule: model.sizeRule,
    strideIn: model.strideIn,
    norm: model.norm,
    conv5Norm: model.conv5Norm,
    headNorm: model.headNorm,
    frozen: model.frozen,
    detector: model.options,
  }
}
