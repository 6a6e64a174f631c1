import { positive, wholeNumber, withDefaults } from "../tensor/options.js"

export interface ScheduleOptions {
  /** Learning rate after the warm-up. */
  readonly base: number
  /** Length of the run, in steps. */
  readonly steps: number
  /** `steps` drops by `factor` at each of `drops`; `cosine` falls to 0 along half a cosine. */
  readonly shape: "steps" | "cosine"
  /** Where the rate drops, as shares of the run. */
  readonly drops: readonly number[]
  readonly factor: number
  /** Steps of linear warm-up, from `warmupFactor` times the rate. */
  readonly warmup: number
  readonly warmupFactor: number
}

/**
 * The 1x schedule: 12 epochs, a tenth after 8 and 11.
 * @source Detectron 1x (drops at 120k and 160k of 180k, close to 8/12 and 11/12); warm-up from 1/1000 over 1000 steps:
 * torchvision's detection reference and detectron2
 */
export const scheduleDefaults: ScheduleOptions = {
  base: 0.02,
  steps: 0,
  shape: "steps",
  drops: [8 / 12, 11 / 12],
  factor: 0.1,
  warmup: 1000,
  warmupFactor: 0.001,
}

/** @throws UsageError for an unknown option or a value out of range */
export const scheduleOptions = (overrides: Partial<ScheduleOptions>): ScheduleOptions =>
  withDefaults("scheduleOptions", scheduleDefaults, overrides, {
    base: positive,
    steps: wholeNumber,
    warmup: wholeNumber,
  })

/** The learning rate of step `step`, from 0: a pure function, so that a resumed run needs no state for it. */
export function learningRate(step: number, options: ScheduleOptions): number {
  const { base, steps, shape, drops, factor, warmup, warmupFactor } = options
  const warm = step >= warmup ? 1 : warmupFactor + (1 - warmupFactor) * (step / warmup)
  if (shape === "cosine") return base * warm * 0.5 * (1 + Math.cos((Math.PI * step) / steps))
  const dropped = drops.filter((share) => step >= Math.round(share * steps)).length
  return base * warm * factor ** dropped
}
