import { resolve } from "node:path"
import { UsageError } from "../core/errors.js"
import { FindImage } from "../eval/find-image.js"
import type { ImageIds, UsedIds } from "../predict/image-ids.js"
import type { SourceImage } from "../predict/source-image.js"
import type { Listener } from "./hooks.js"
import { readTruths } from "./score-predictions.js"

/** What says which image ids COCO's results have. */
export interface IdSource {
  /** A COCO file or a data set, its path absolute. */
  readonly gt: string | null
  readonly split: string | null
}

/** @throws UsageError where both options are given, which mean the same */
export function idSourceOf(given: { gt?: string | undefined; data?: string | undefined; split: string }): IdSource {
  if (given.gt !== undefined && given.data !== undefined) {
    throw new UsageError("--gt and --data both say where image ids come from: give one of them")
  }
  const path = given.gt ?? given.data
  return path === undefined ? { gt: null, split: null } : { gt: resolve(path), split: given.split }
}

/**
 * The image ids of a ground truth by the images' names: its own, or the names themselves where it has none (VOC, YOLO, ...).
 * @returns undefined without a ground truth
 * @throws DataError for one that cannot be read; of `idOf` for a name that two of its images share, or two names of one of them
 */
export async function truthImageIds(
  { gt, split }: IdSource,
  told: Pick<Listener, "log" | "fault">,
): Promise<ImageIds | undefined> {
  if (gt === null) return undefined
  const truths = await readTruths({ gt, split: split ?? "val" }, told)
  const find = new FindImage(truths)
  const { unnumbered, imageNames, imageIds, givenImageIds } = truths
  return {
    from: unnumbered ? "ground truth's names" : "ground truth",
    idOf({ path: name }) {
      const place = find.named(name)
      if (place < 0) return undefined
      return unnumbered ? imageNames[place]! : (givenImageIds?.[place] ?? imageIds[place]!)
    },
  }
}

/** @throws DataError where an image of a source has no id of its own: before it takes time to look at them */
export async function expectOwnIds(images: AsyncIterable<SourceImage>, { idOf }: ImageIds): Promise<void> {
  let place = 0
  for await (const image of images) idOf(image, place++)
}

/** What COCO's results have for image ids, as a line. */
export function imageIdsLine({ from, leftOut }: UsedIds): string {
  const meaning = {
    "ground truth": "those of the ground truth",
    "ground truth's names": "the names in the ground truth, which has no ids",
    names: "the numbers in the images' names",
    places:
      "the images' places in the source, from 1, as their names have no numbers of their own (--gt or --data gives a ground truth's)",
  }
  const without = leftOut > 0 ? `; ${leftOut} images that it lacks are left out` : ""
  return `results: image ids are ${meaning[from]}${without}`
}
