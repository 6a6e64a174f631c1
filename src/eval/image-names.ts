import { DataError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import type { TruthTable } from "./tables.js"

/** `images/000042.jpg` without folder and ending: `000042`. */
function imageStem(name: string): string {
  return name.replace(/^.*[\\/]/, "").replace(/\.[A-Za-z]\w*$/, "")
}

/** Finds images by name, with or without folder and ending; what it returns throws a DataError for unknown ones. */
export function imageFinder(truths: TruthTable): (name: string, where: string) => number {
  const ids = new Map<string, number>()
  truths.imageNames.forEach((name, i) => {
    ids.set(imageStem(name), truths.imageIds[i]!)
  })
  truths.imageNames.forEach((name, i) => {
    ids.set(name, truths.imageIds[i]!)
  })
  return (name, where) => {
    const id = ids.get(name) ?? ids.get(imageStem(name))
    if (id !== undefined) return id
    const near = didYouMean(imageStem(name), truths.imageNames.slice(0, 1000).map(imageStem))
    throw new DataError(
      `${where}: image "${name}" is not among the ${truths.imageNames.length} images of the ground truth.${near}`,
    )
  }
}
