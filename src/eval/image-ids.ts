import type { TruthTable } from "./tables.js"

/** What image ids that the truths lack might mean, with the mapping that would work, as one sentence. */
export function guessImageIds(truths: TruthTable, unknown: readonly number[]): string {
  const count = truths.imageIds.length
  const known = new Set(truths.imageIds)
  const numbersInNames = new Map(truths.imageNames.map((name, i) => [numberIn(name), truths.imageIds[i]!]))
  const fits = (rule: (id: number) => boolean) => unknown.length > 0 && unknown.every(rule)
  const example = unknown[0]!
  if (count === 0) return "The truths hold no images."
  if (fits((id) => numbersInNames.has(id))) {
    return `The ids are the numbers in the images' file names: image_id ${example} would be id ${numbersInNames.get(example)}.`
  }
  for (const shift of [1, -1]) {
    if (fits((id) => known.has(id + shift)))
      return `Every such id fits when ${shift > 0 ? "1 is added" : "1 is taken off"}.`
  }
  if (fits((id) => Number.isInteger(id) && id >= 0 && id < count)) {
    return `The ids look like positions in the list of images, from 0: ${example} would be id ${truths.imageIds[example]}.`
  }
  if (fits((id) => Number.isInteger(id) && id >= 1 && id <= count)) {
    return `The ids look like positions in the list of images, from 1: ${example} would be id ${truths.imageIds[example - 1]}.`
  }
  return "Are ground truth and predictions of the same split?"
}

/** The last run of digits in a name: 42 for `COCO_val2014_000000000042`; NaN without digits. */
function numberIn(name: string): number {
  return Number(/(\d+)\D*$/.exec(name.replace(/\.\w+$/, ""))?.[1] ?? Number.NaN)
}
