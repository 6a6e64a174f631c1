import { mixSeeds, seededRandom, shuffleFirst } from "../src/core/random.js"
import type { Dataset } from "./dataset.js"
import { NoSplitError } from "./faults.js"
import type { ReadOptions } from "./options.js"
import { readDataset } from "./read.js"

/** The usual names, training first: its classes then hold for the others. */
export const splitNames = ["train", "val", "test"] as const

/**
 * Every split that a data set has, or only `options.split`. Labels mean the same in all of them when `classes` is given,
 * and in COCO and YOLO, whose files list the classes.
 * @throws DataError as `readDataset`, and when there is none of the usual splits
 */
export async function readSplits(source: string, options: Partial<ReadOptions> = {}): Promise<Dataset[]> {
  if (options.split !== undefined) return [await readDataset(source, options)]
  const found: Dataset[] = []
  let missing: unknown
  for (const split of splitNames) {
    try {
      const dataset = await readDataset(source, { ...options, split })
      found.push(dataset)
      // The others would be the same images again.
      if (dataset.undivided) break
    } catch (error) {
      if (!(error instanceof NoSplitError)) throw error
      missing = error
    }
  }
  if (found.length === 0) throw missing
  return found
}

/**
 * Divides images into parts by `shares` (which add up to 1), so that each class has its share in each part as far as
 * that can be: images with the rarest class are dealt first, each to the part that lacks most of it, as long as it has room.
 * @returns one list of images for each share, each in the given order
 * @source Sechidis et al. 2011 "On the stratification of multi-label data"
 */
export function splitImages<Image extends { readonly labels: Iterable<number> }>(
  images: readonly Image[],
  shares: readonly number[],
  seed: number,
): Image[][] {
  const order = Array.from(images, (_, index) => index)
  shuffleFirst(order, order.length, seededRandom(mixSeeds(seed)))
  const classesOf = images.map(({ labels }) => [...new Set(labels)])
  const imagesWith = new Map<number, number[]>()
  for (const index of order) {
    for (const label of classesOf[index]!) {
      const others = imagesWith.get(label)
      if (others) others.push(index)
      else imagesWith.set(label, [index])
    }
  }
  const rarest = [...imagesWith].sort(([a, inA], [b, inB]) => inA.length - inB.length || a - b)
  const places = shares.map((share) => share * images.length)
  const room = places.map((exact) => Math.ceil(exact - 1e-9))
  const wanted = shares.map((share) => new Map([...imagesWith].map(([label, those]) => [label, share * those.length])))
  const parts: number[][] = shares.map(() => [])
  const dealt = new Set<number>()
  const deal = (index: number, need: (part: number) => number) => {
    const [first = 0, ...others] = [...room.keys()].filter((part) => room[part]! > 0)
    let best = first
    for (const part of others) {
      const more = need(part) - need(best)
      if (more > 1e-9 || (Math.abs(more) <= 1e-9 && places[part]! > places[best]!)) best = part
    }
    parts[best]!.push(index)
    places[best]!--
    room[best]!--
    for (const label of classesOf[index]!) wanted[best]!.set(label, wanted[best]!.get(label)! - 1)
    dealt.add(index)
  }
  for (const [label, those] of rarest) {
    for (const index of those) if (!dealt.has(index)) deal(index, (part) => wanted[part]!.get(label)!)
  }
  for (const index of order) if (!dealt.has(index)) deal(index, (part) => places[part]!)
  return parts.map((part) => part.sort((a, b) => a - b).map((index) => images[index]!))
}
