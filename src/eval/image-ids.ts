import type { CocoId } from "../json/coco-id.js"
import { imageNumber, shownImageId } from "./find-image.js"
import type { TruthTable } from "./tables.js"

/** What image ids that the truths lack might mean, with the mapping that would work, as one sentence. */
export function guessImageIds(truths: TruthTable, unknown: readonly CocoId[]): string {
  const count = truths.imageIds.length
  const idAt = (i: number) => shownImageId(truths, i)
  const fits = (rule: (id: number) => boolean) =>
    unknown.length > 0 && unknown.every((id) => typeof id === "number" && rule(id))
  const example = Number(unknown[0])
  if (count === 0) return "The truths hold no images."
  if (truths.unnumbered) {
    const positions = fits((id) => Number.isInteger(id) && id >= 0 && id <= count)
    const cure = `The images of this data set have no ids: write their names, such as "${truths.imageNames[0]}", or the numbers in them`
    return positions
      ? `${cure}. The ids look like positions in the list of images, which is taken for nothing.`
      : `${cure}.`
  }
  const numbersInNames = new Map(truths.imageNames.map((name, i) => [imageNumber(name), i]))
  if (fits((id) => numbersInNames.has(id))) {
    const meant = idAt(numbersInNames.get(example)!)
    return `The ids are the numbers in the images' file names: image_id ${example} would be id ${meant}.`
  }
  const known = new Set(truths.imageIds)
  for (const shift of [1, -1]) {
    if (fits((id) => known.has(id + shift)))
      return `Every such id fits when ${shift > 0 ? "1 is added" : "1 is taken off"}.`
  }
  if (fits((id) => Number.isInteger(id) && id >= 0 && id < count)) {
    return `The ids look like positions in the list of images, from 0: ${example} would be id ${idAt(example)}.`
  }
  if (fits((id) => Number.isInteger(id) && id >= 1 && id <= count)) {
    return `The ids look like positions in the list of images, from 1: ${example} would be id ${idAt(example - 1)}.`
  }
  return "Are ground truth and predictions of the same split?"
}
