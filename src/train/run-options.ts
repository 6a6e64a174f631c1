import type { AdamWOptions, AverageOptions, RateFactors, SgdOptions } from "./options.js"
import type { ScheduleOptions } from "./schedule.js"

export interface RunOptions {
  readonly epochs: number
  /** The run ends after so many steps, wherever in an epoch that is; `epochs` then does not count. */
  readonly steps?: number
  readonly seed: number
  readonly schedule: ScheduleOptions
  readonly sgd: SgdOptions
  /** AdamW instead of SGD. */
  readonly adamw?: AdamWOptions
  /** Parts that learn at another rate. */
  readonly rates?: RateFactors
  /** Gradients longer than this, taken together, are scaled down to it. */
  readonly clipNorm: number
  /** How many batches make a step; 1 when left out. An epoch's last step has what is left. */
  readonly accumulate?: number
  /** Whether a running mean of the weights is validated and saved in their place. */
  readonly average?: AverageOptions
  /** Validate after every so many epochs, and after the last; 0 for never. */
  readonly validateEvery: number
  /** Which of `validate`'s numbers makes a model the best: higher is better. */
  readonly metric: string
  /** Tell about every so many steps. */
  readonly reportEvery: number
  /** Save within an epoch too; only at its end when left out. */
  readonly saveEvery?: SaveInterval
  /** The run ends after so many validations in a row that found the model no better. */
  readonly patience?: number | undefined
  /** The run ends after so long, wherever in an epoch that is; one that goes on has as long again. */
  readonly maxMinutes?: number | undefined
  /** `retry`: back to where the epoch began, with half the rate, `mostRetries` times at most; `stop` where left out. */
  readonly onDiverge?: "retry" | "stop"
}

/** Every so many steps, or when so much time has passed since the last save. */
export type SaveInterval = { readonly steps: number } | { readonly minutes: number }

/** How many steps a run has: of a whole epoch, and in all. */
export function runLength(
  { epochs, steps, accumulate = 1 }: Pick<RunOptions, "epochs" | "steps" | "accumulate">,
  batchesPerEpoch: number,
): { readonly stepsPerEpoch: number; readonly steps: number } {
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / accumulate)
  return { stepsPerEpoch, steps: steps ?? epochs * stepsPerEpoch }
}
