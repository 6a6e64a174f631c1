import type { AugmentLevel } from "../../../datasets/augment/levels.js"
import { UsageError } from "../../core/errors.js"
import { mixSeeds, seededRandom } from "../../core/random.js"

/** What a trial tries, by the names of `train`'s options; what is left out is as `train` has it. */
export interface Choice {
  readonly lr: number
  readonly size: number
  readonly anchors?: "auto" | undefined
  readonly augment?: AugmentLevel | undefined
}

/** A third of the trials goes on to the next round. @source Li et al. 2018 (Hyperband): eta 3 */
const eta = 3

/** Learning rates are drawn between these times train's own, evenly in their logarithm. @source ours */
const rateFactors = [1 / 8, 4] as const

/** Inputs are so many times as large as train's own. @source ours */
const sizeFactors = [0.75, 1, 1.25] as const

const anchorChoices = [undefined, "auto"] as const
const augmentChoices = [undefined, "light", "strong"] as const

/**
 * What the trials try: the first one what `train` does by itself, the others at random.
 * @param base train's own rate and size
 * @source Bergstra & Bengio 2012, "Random Search for Hyper-Parameter Optimization"
 */
export function drawChoices(count: number, base: Choice, seed: number): Choice[] {
  const others = Array.from({ length: count - 1 }, (_, i): Choice => {
    const random = seededRandom(mixSeeds(seed, i + 1))
    const pick = <T>(items: readonly T[]): T => items[random.integer(items.length)]!
    const [low, high] = rateFactors.map(Math.log) as [number, number]
    const lr = Number((base.lr * Math.exp(low + (high - low) * random.uniform())).toPrecision(3))
    const size = Math.max(32, Math.round((base.size * pick(sizeFactors)) / 32) * 32)
    const [anchors, augment] = [pick(anchorChoices), pick(augmentChoices)]
    return { lr, size, ...(anchors && { anchors }), ...(augment && { augment }) }
  })
  return [base, ...others]
}

/** How many trials each round has, down to one. */
export function roundSizes(trials: number): number[] {
  return trials === 1 ? [1] : [trials, ...roundSizes(Math.ceil(trials / eta))]
}

/** What a step, an image of validation and all around them take, in seconds, at train's own size. */
export interface Pace {
  readonly step: number
  readonly image: number
  readonly around: number
}

/** How long the trials of each round are. */
export interface TuningPlan {
  /** Of a trial, by round. */
  readonly steps: number[]
  /** How many validation images each trial is scored on. */
  readonly images: number
}

/** The share of a first trial's time that validation may take, and the images it has at least. @source ours */
const validation = { share: 0.2, least: 20 } as const

/** Fewer steps tell nothing. @source ours */
const leastSteps = 10

/**
 * Divides the time evenly among the rounds, and that of a round among its trials.
 * @param seconds that are left
 * @param images how many there are to validate on
 * @throws UsageError where trials would be shorter than a few steps
 * @source Jamieson & Talwalkar 2016: successive halving, each round with the same part of the budget
 */
export function planRounds(choices: readonly Choice[], seconds: number, pace: Pace, images: number): TuningPlan {
  const sizes = roundSizes(choices.length)
  const base = choices[0]!.size
  const larger = choices.reduce((sum, { size }) => sum + (size / base) ** 2, 0) / choices.length
  const trial = (count: number) => seconds / sizes.length / count
  const looked = Math.round((validation.share * trial(choices.length)) / (pace.image * larger))
  // In a short trial validation has what the fewest steps leave.
  const left = trial(choices.length) - pace.around - leastSteps * pace.step * larger
  const judged = Math.min(
    images,
    Math.max(validation.least, Math.min(looked, Math.floor(left / (pace.image * larger)))),
  )
  const steps = sizes.map((count) => {
    return Math.floor((trial(count) - pace.around - judged * pace.image * larger) / (pace.step * larger))
  })
  if (steps[0]! >= leastSteps) return { steps, images: judged }
  const needed = pace.around + judged * pace.image * larger + leastSteps * pace.step * larger
  const minutes = Math.ceil((needed * sizes.length * choices.length) / 60)
  throw new UsageError(
    `--budget: ${choices.length} trials of ${leastSteps} steps and ${judged} validation images take about ${minutes} minutes. ` +
      `Set --budget ${minutes}m, fewer --trials, or a smaller --size`,
  )
}

/** The trials of the next round: the best of those that came to something. Of equal ones the earlier. */
export function bestTrials(results: readonly { readonly trial: number; readonly value: number | null }[]): number[] {
  const sound = results.filter((one): one is { trial: number; value: number } => one.value !== null)
  const order = [...sound].sort((a, b) => b.value - a.value || a.trial - b.trial)
  return order.slice(0, Math.ceil(results.length / eta)).map(({ trial }) => trial)
}
