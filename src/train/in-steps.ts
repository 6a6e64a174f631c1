/** A batch in its step. */
export interface Turn<Batch> {
  /** Undefined where this process has none of the step's batches. */
  readonly batch: Batch | undefined
  /** Which one of the step's batches it is, from 0. */
  readonly place: number
  /** Whether it is the last one that this process has of the step. */
  readonly isLast: boolean
  /** Where the next step begins in the epoch. */
  readonly end: number
}

/** Which of a step's batches a process has: every `size`-th from the `rank`-th on. */
export interface Share {
  readonly rank: number
  readonly size: number
}

interface StepOptions<Batch> {
  /** How many batches make a step; the last one has what is left of the epoch. */
  readonly perStep: number
  /** The batch at which to begin, and how many the epoch has. */
  readonly start: number
  readonly batches: number
  /** The place in the epoch behind a batch. */
  next(batch: Batch): number
  /** Where several processes do the batches of a step; each then has a turn in every step, with or without a batch. */
  readonly share?: Share | undefined
}

/** Whether a batch of an epoch is one of a process's. */
export const isInShare = ({ rank, size }: Share, perStep: number): ((index: number) => boolean) => {
  return (index) => (index % perStep) % size === rank
}

/**
 * Batches in steps, by their place in the epoch: one that was lost, since none of its images could be read, leaves the others where
 * they are. Looks one batch ahead, and only where it has to.
 */
export async function* inSteps<Batch>(
  batches: AsyncIterable<Batch>,
  { perStep, start, batches: count, next, share }: StepOptions<Batch>,
): AsyncGenerator<Turn<Batch>, void, undefined> {
  const size = share?.size ?? 1
  const steps = Math.ceil(count / perStep)
  const endOf = (step: number) => Math.min((step + 1) * perStep, count)
  const without = (step: number): Turn<Batch> => ({ batch: undefined, place: 0, isLast: true, end: endOf(step) })
  // The first step that has had no turn yet.
  let open = Math.floor(start / perStep)
  let held: { readonly batch: Batch; readonly place: number; readonly step: number } | undefined
  const give = ({ batch, place, step }: NonNullable<typeof held>, isLast: boolean): Turn<Batch> => {
    if (isLast) open = step + 1
    return { batch, place, isLast, end: endOf(step) }
  }
  for await (const batch of batches) {
    const index = next(batch) - 1
    const step = Math.floor(index / perStep)
    const one = { batch, place: index % perStep, step }
    if (held !== undefined) yield give(held, held.step !== step)
    held = undefined
    if (share !== undefined) for (; open < step; open++) yield without(open)
    if (one.place + size < perStep && index + size < count) held = one
    else yield give(one, true)
  }
  if (held !== undefined) yield give(held, true)
  if (share !== undefined) for (; open < steps; open++) yield without(open)
}
