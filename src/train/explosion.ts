/** What a run remembers of its losses, to tell when they explode. */
export interface LossTrend {
  /** The loss of the first batch, when nothing has been learnt. */
  readonly first: number
  /** A running mean over about the last five batches. */
  readonly recent: number
}

/** How often a run that diverges goes back. @source Ultralytics, which recovers from NaN three times */
export const mostRetries = 3

/** How much of the running mean a batch replaces. */
const momentum = 0.2

/**
 * A loss so many times as high as the one that a run began with is no bad batch.
 * @source ours: what a detector has not learnt yet costs it ln 2 a sampled anchor, ln (K + 1) a sampled region and about 1
 * for boxes; a batch of hard images is a few times as high
 */
const explosive = 10

/** Takes in the summed loss of a batch. */
export function followLoss(trend: LossTrend | undefined, loss: number): LossTrend {
  if (trend === undefined) return { first: loss, recent: loss }
  return { ...trend, recent: trend.recent + momentum * (loss - trend.recent) }
}

/** Whether training has exploded; a run that begins with next to no loss, as fine-tuning does, counts as beginning with 1. */
export const hasExploded = ({ first, recent }: LossTrend): boolean => recent > explosive * Math.max(1, first)
