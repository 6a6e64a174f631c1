import { checkImages } from "../../datasets/check-images.js"
import type { Fault } from "../../datasets/dataset.js"
import { lackOfClasses } from "../../datasets/emptiness.js"
import { NoSplitError } from "../../datasets/faults.js"
import { wholeSplit } from "../../datasets/image-folder.js"
import { formatWithBoxes } from "../../datasets/read.js"
import { labelledFormat, type ReadLabelledSet, readLabelled } from "../../datasets/read-labelled.js"
import { splitNames } from "../../datasets/splits.js"
import { isZip, unzipped } from "../../datasets/unzip.js"
import { DataError, UsageError } from "../core/errors.js"
import { countOff, type Listener } from "./hooks.js"
import type { ReadingOptions } from "./options/dataset.js"

/** What was found in a classification set. */
export interface LabelledCheck {
  readonly format: ReadLabelledSet["format"]
  readonly splits: readonly { readonly split: string; readonly images: number; readonly classes: readonly string[] }[]
  readonly faults: readonly (Fault & { readonly split: string })[]
  /** Why nothing can be learned from it, where that is so. */
  readonly empty: readonly string[]
}

interface Asked extends Pick<ReadingOptions, "data" | "split" | "followLinks"> {
  readonly headers: boolean
  readonly fix?: string | undefined
  readonly suspects?: string | undefined
}

/**
 * Looks for faults in a classification set: in its labels, then in every image.
 * @returns undefined for data that are none
 * @throws DataError as `readLabelled`; UsageError for what only sets with boxes have
 */
export async function checkLabelled(asked: Asked, listener: Listener): Promise<LabelledCheck | undefined> {
  const { data, headers, fix, suspects } = asked
  if (typeof data !== "string" || !isLabelled(isZip(data) ? await unzipped(data) : data)) return undefined
  if (fix !== undefined || suspects !== undefined) {
    throw new UsageError(
      `${data}: has a class for each image and no boxes: --fix and --suspects are for sets with boxes`,
    )
  }
  const sets = await readSets(data, asked)
  const faults: LabelledCheck["faults"][number][] = []
  for (const set of sets) {
    const { split, source, format, classes, labels, notices = [] } = set
    listener.log(`${data}: ${format}, split ${split}: ${labels.length} images, ${classes.length} classes`)
    for (const notice of notices) listener.log(notice)
    // CIFAR-10's pictures are in memory.
    const images = set.format === "cifar10" ? [] : Array.from(labels, (_, index) => set.photo(index))
    const onProgress = countOff(listener, `check ${split}`)
    const ofImages = await checkImages({ images, source }, { decode: !headers, onProgress })
    for (const fault of [...set.faults, ...ofImages]) faults.push({ split, ...fault })
  }
  const splits = sets.map(({ split, labels, classes }) => ({ split, images: labels.length, classes }))
  const training = sets.find(({ split }) => split === "train" || split === wholeSplit)
  const lack = training && lackOfClasses(training)
  return { format: sets[0]!.format, splits, faults, empty: lack === undefined ? [] : [lack] }
}

/** Archives are told by their names; a folder is a classification set where it is none with boxes. */
function isLabelled(source: string): boolean {
  if (!splitNames.some((split) => labelledFormat(source, split) !== undefined)) return false
  return source.endsWith(".tar") || formatWithBoxes(source) === undefined
}

/** The split that is asked for, or every one there is. */
async function readSets(data: string, { split, followLinks }: Asked): Promise<ReadLabelledSet[]> {
  if (split !== undefined) return [await readLabelled(data, { split, followLinks })]
  const sets: ReadLabelledSet[] = []
  for (const one of splitNames) {
    try {
      const set = await readLabelled(data, { split: one, classes: sets[0]?.classes ?? null, followLinks })
      sets.push(set)
      // It is not divided, or CIFAR-10's, whose test is its val.
      if (set.split !== one || (set.format === "cifar10" && one === "val")) break
    } catch (error) {
      if (!(error instanceof NoSplitError)) throw error
    }
  }
  if (sets.length > 0) return sets
  throw new DataError(`${data}: has none of the splits ${splitNames.join(", ")}. Name one by --split`)
}
