import { mixSeeds, type Random, seededRandom, shuffleFirst } from "../../src/core/random.js"

export interface OrderOptions {
  readonly batchSize: number
  readonly shuffle: boolean
  readonly seed: number
  /** Leave out the last batch when it is not full. */
  readonly dropLast: boolean
  /** Images of like shape come together, in `2 * aspectGroups + 2` groups from 1:2 to 2:1; 0: no groups. */
  readonly aspectGroups: number
}

/** Purposes of the random draws of an epoch, so that none repeats another's numbers. */
export const draw = { order: 1, flip: 2, size: 3, crop: 4, repeats: 5, augment: 6 } as const

/**
 * Which images make up the batches of an epoch: a function of the seed and the epoch alone. Every position comes once;
 * what is left over of each group fills the last batches together.
 * @param ratios - width / height of each image, 1 when not known
 * @param positions - of the images in the epoch, all of them once when left out; R and more (R images) are repetitions,
 * as `drawRepeats` gives them
 * @returns positions, batch by batch
 * @source torchvision `references/detection/group_by_aspect_ratio.py`, which repeats images to fill groups; we do not
 */
export function planBatches(
  ratios: readonly number[],
  epoch: number,
  options: OrderOptions,
  positions: readonly number[] = Array.from(ratios, (_, index) => index),
): number[][] {
  const order = [...positions]
  if (options.shuffle) shuffleFirst(order, order.length, seededRandom(mixSeeds(options.seed, epoch, draw.order)))
  const batches: number[][] = []
  const open = new Map<number, number[]>()
  for (const index of order) {
    const group = options.shuffle ? aspectGroup(ratios[index % ratios.length]!, options.aspectGroups) : 0
    const batch = open.get(group) ?? []
    batch.push(index)
    open.set(group, batch)
    if (batch.length < options.batchSize) continue
    batches.push(batch)
    open.delete(group)
  }
  const rest = [...open].sort(([a], [b]) => a - b).flatMap(([, batch]) => batch)
  for (let from = 0; from < rest.length; from += options.batchSize) {
    const batch = rest.slice(from, from + options.batchSize)
    if (batch.length === options.batchSize || !options.dropLast) batches.push(batch)
  }
  return batches
}

/** Images of shards from which the next one is drawn. @source ours: about 1 GB of ImageNet, ten shards of its usual size */
const shardBuffer = 10_000

/**
 * An order of images in shards for an epoch, in which they are read almost one after another: the shards are shuffled, and each
 * image is drawn from the next `buffer` of their images. A function of the seed and the epoch alone.
 * @param starts where each shard's images begin, of `count` in all
 * @source WebDataset's `shardshuffle` and `shuffle`
 */
export function shardOrder(
  starts: readonly number[],
  count: number,
  epoch: number,
  { seed, buffer = shardBuffer }: { readonly seed: number; readonly buffer?: number },
): number[] {
  const random = seededRandom(mixSeeds(seed, epoch, draw.order))
  const shards = starts.map((_, shard) => shard)
  shuffleFirst(shards, shards.length, random)
  const inTurn = shards.flatMap((shard) => {
    const start = starts[shard]!
    return Array.from({ length: (starts[shard + 1] ?? count) - start }, (_, i) => start + i)
  })
  return drawnAhead(inTurn, buffer, random)
}

function drawnAhead(items: readonly number[], buffer: number, random: Random): number[] {
  const held = items.slice(0, buffer)
  const drawn: number[] = []
  for (let next = held.length; held.length > 0; next++) {
    const place = random.integer(held.length)
    drawn.push(held[place]!)
    // The last one takes the place of the drawn one, where nothing comes after.
    const another = items[next] ?? held.pop()!
    if (place < held.length) held[place] = another
  }
  return drawn
}

function aspectGroup(ratio: number, groups: number): number {
  if (groups === 0) return 0
  let group = 0
  for (let i = 0; i <= 2 * groups; i++) if (ratio >= 2 ** (i / groups - 1)) group++
  return group
}
