import { resolve } from "node:path"
import { cocoFileOf, imagePlaces, isCoco } from "../../datasets/coco-files.js"
import { scoringPolicies } from "../../datasets/faults.js"
import { FolderFiles } from "../../datasets/folder-files.js"
import type { Photo } from "../../datasets/open-sample.js"
import { recognizeFormat } from "../../datasets/read.js"
import { unlessBroken } from "../core/errors.js"
import type { TruthTable } from "../eval/tables.js"
import { howReadOf, openBoxData } from "./box-data.js"
import type { ScoringOptions } from "./options/evaluate.js"
import { holdsOnlyText } from "./score-predictions.js"

/** The photo of an image of the ground truth; undefined where it is not there. */
export type FindPhoto = (image: { readonly imageId: number | string; readonly name: string }) => Photo | undefined

type Given = Pick<ScoringOptions, "gt" | "split" | "images" | "corners" | "sizeMismatch" | "followLinks">

/** Where the photos of a ground truth are: beside it in one of the usual places, or in the folders of `images`. */
export async function truthPhotos(given: Given, truths: TruthTable): Promise<FindPhoto> {
  const { gt, split, images = null, followLinks } = given
  if (await holdsOnlyText(gt)) {
    // Their photos have the same names.
    const files = new FolderFiles(images ?? gt)
    return ({ name }) => {
      const file = unlessBroken(() => files.findImage(name, gt))
      return file === undefined ? undefined : { file }
    }
  }
  if (gt.toLowerCase().endsWith(".json") || (isCoco(gt) && recognizeFormat(gt) === "coco" && !split.includes("+"))) {
    const json = resolve(cocoFileOf(gt, split))
    const places = imagePlaces(json, { images, split, followLinks }, truths.imageNames)
    const sizes = new Map(truths.imageNames.map((name, i) => [name, i]))
    return ({ name }) => {
      const file = unlessBroken(() => places.find(name, json) ?? places.findEnding(name, json))
      const i = sizes.get(name)!
      return file === undefined ? undefined : { file, width: truths.widths[i]!, height: truths.heights[i]! }
    }
  }
  const set = await openBoxData(gt, { ...howReadOf(given), split, policies: scoringPolicies })
  return recordPhotos(set.images)
}

/** The photos of a data set's records. */
export function recordPhotos(records: readonly (Photo & { readonly imageId: unknown })[]): FindPhoto {
  const byId = new Map(records.map((record) => [String(record.imageId), record]))
  return ({ imageId }) => byId.get(String(imageId))
}
