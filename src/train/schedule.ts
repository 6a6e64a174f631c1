import { atLeastOne, fraction, positive, wholeNumber, withDefaults } from "../core/options.js"

export const scheduleShapes = ["steps", "cosine", "linear", "plateau"] as const

export interface ScheduleOptions {
  /** Learning rate after the warm-up. */
  readonly base: number
  /** Length of the run, in steps. */
  readonly steps: number
  /**
   * `steps` drops by `factor` at each of `drops`; `cosine` falls to 0 along half a cosine, `linear` along a line; `plateau`
   * drops when validation has not found the model better `patience` times in a row.
   */
  readonly shape: (typeof scheduleShapes)[number]
  /** Where the rate drops, as shares of the run. */
  readonly drops: readonly number[]
  readonly factor: number
  /** Steps of linear warm-up, from `warmupFactor` times the rate. */
  readonly warmup: number
  readonly warmupFactor: number
  readonly patience: number
  /** The rate until the running training error is below `startError`; `null`: the schedule's own from the first step on. */
  readonly startRate: number | null
  readonly startError: number
}

/**
 * The 1x schedule: 12 epochs, a tenth after 8 and 11.
 * @source Detectron 1x (drops at 120k and 160k of 180k, close to 8/12 and 11/12); warm-up from 1/1000 over 1000 steps:
 * torchvision's detection reference and detectron2; linear: Hugging Face's `get_linear_schedule_with_warmup`, here without its
 * wait for the warm-up; patience: PyTorch's ReduceLROnPlateau; start error: He et al. 2016
 * section 4.2 (80 % for 110 layers)
 */
export const scheduleDefaults: ScheduleOptions = {
  base: 0.02,
  steps: 0,
  shape: "steps",
  drops: [8 / 12, 11 / 12],
  factor: 0.1,
  warmup: 1000,
  warmupFactor: 0.001,
  patience: 10,
  startRate: null,
  startError: 0.8,
}

/** @throws UsageError for an unknown option or a value out of range */
export const scheduleOptions = (overrides: Partial<ScheduleOptions>): ScheduleOptions =>
  withDefaults("scheduleOptions", scheduleDefaults, overrides, {
    base: positive,
    steps: wholeNumber,
    warmup: wholeNumber,
    patience: atLeastOne,
    startError: fraction,
  })

/** What a schedule has learnt from the run so far; it is saved with the run. */
export interface ScheduleState {
  /** Share of training images classified wrong, a running mean over some fifty steps that begins at 1. */
  readonly error: number
  /** Whether that error has been below `startError`. */
  readonly started: boolean
  readonly drops: number
  readonly best: number | null
  /** Validations in a row that found the model no better. */
  readonly waited: number
}

export const scheduleStart: ScheduleState = { error: 1, started: false, drops: 0, best: null, waited: 0 }

/** Whether the rate depends on how the run goes. */
export const needsFeedback = ({ shape, startRate }: ScheduleOptions): boolean =>
  shape === "plateau" || startRate !== null

/** How much of the running training error a step replaces. */
const errorMomentum = 0.02

/** Learns from a step. @param error share of its images that were classified wrong */
export function afterStep(state: ScheduleState, { startError }: ScheduleOptions, error: number): ScheduleState {
  if (state.started) return state
  const running = state.error + errorMomentum * (error - state.error)
  return { ...state, error: running, started: running < startError }
}

/** Learns from a validation. @param value higher is better */
export function afterValidation(state: ScheduleState, { patience }: ScheduleOptions, value: number): ScheduleState {
  if (value > (state.best ?? Number.NEGATIVE_INFINITY)) return { ...state, best: value, waited: 0 }
  const waited = state.waited + 1
  return waited < patience ? { ...state, waited } : { ...state, waited: 0, drops: state.drops + 1 }
}

/** The learning rate of step `step`, from 0: a pure function, so that a resumed run goes on with the same rates. */
export function learningRate(step: number, options: ScheduleOptions, state: ScheduleState = scheduleStart): number {
  const { base, steps, shape, drops, factor, warmup, warmupFactor, startRate } = options
  if (startRate !== null && !state.started) return startRate
  const warm = step >= warmup ? 1 : warmupFactor + (1 - warmupFactor) * (step / warmup)
  if (shape === "cosine") return base * warm * 0.5 * (1 + Math.cos((Math.PI * step) / steps))
  if (shape === "linear") return base * warm * (1 - step / steps)
  const passed = drops.filter((share) => step >= Math.round(share * steps)).length
  return base * warm * factor ** (shape === "plateau" ? state.drops : passed)
}
