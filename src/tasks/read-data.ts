import { orderClasses } from "../../datasets/classes.js"
import type { Dataset } from "../../datasets/dataset.js"
import type { ReadOptions } from "../../datasets/options.js"
import { readSplits } from "../../datasets/splits.js"
import { howReadOf, openBoxData } from "./box-data.js"
import type { Listener } from "./hooks.js"
import type { ReadingOptions } from "./options/dataset.js"

/** How many images a split has. */
export interface SplitCount {
  readonly split: string
  readonly images: number
}

/**
 * The split that is asked for, or every one there is; labels mean the same in all of them. A line tells what was found.
 * @throws DataError as `readDataset`
 */
export async function readData(
  { data, split, ...how }: ReadingOptions,
  { log }: Pick<Listener, "log">,
): Promise<Dataset[]> {
  const options: Partial<ReadOptions> = {
    ...howReadOf(how),
    ...(split === undefined ? {} : { split }),
  }
  if (typeof data !== "string") return [await openBoxData(data, options)]
  const found = await readSplits(data, options)
  // A class that only one split holds must not shift the labels of the others.
  const isVoc = found[0]!.format === "voc"
  const classes = isVoc ? orderClasses(found.flatMap((set) => set.classes)) : found[0]!.classes
  const sets = found.length > 1 ? await readSplits(data, { ...options, classes }) : found
  for (const set of sets) {
    log(`${data}: ${set.format}, split ${set.split}: ${set.images.length} images, ${set.classes.length} classes`)
    for (const notice of set.notices ?? []) log(notice)
  }
  return sets
}

export const countsOf = (sets: readonly Dataset[]): SplitCount[] =>
  sets.map(({ split, images }) => ({ split, images: images.length }))
