import { basename } from "node:path"
import { withoutEnding } from "../../datasets/folder.js"
import { numberInName } from "../core/number-in-name.js"
import type { CocoId } from "../json/coco-id.js"
import type { LoggedImage } from "./detection-log.js"

type Named = Pick<LoggedImage, "path" | "stem">

/** The image ids of COCO's results. */
export interface ImageIds {
  /** Those of a ground truth or its names, the numbers in the images' names, or their places in the source, from 1. */
  readonly from: "ground truth" | "ground truth's names" | "names" | "places"
  /** Undefined for an image that the ground truth lacks. */
  idOf(image: Named, index: number): CocoId | undefined
}

/** Where the ids that results have come from, and how many images had none. */
export interface UsedIds extends Pick<ImageIds, "from"> {
  readonly leftOut: number
}

/** The ids of images by their names: each must be the number of one image only, else places count. */
export async function imageIdsByName(images: AsyncIterable<Named>): Promise<ImageIds> {
  const ids = new Set<number>()
  for await (const image of images) {
    const id = numberOf(image)
    if (!Number.isSafeInteger(id) || ids.has(id)) return { from: "places", idOf: (_, index) => index + 1 }
    ids.add(id)
  }
  return { from: "names", idOf: numberOf }
}

/** By the path: the stem of an image that is listed twice has a number of its own. */
const numberOf = ({ path }: Named) => numberInName(withoutEnding(basename(path)))
