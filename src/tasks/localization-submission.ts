import { readFileSync } from "node:fs"
import { DataError } from "../core/errors.js"
import { localizationDefaults } from "../eval/imagenet.js"
import type { LocalizedObject } from "../localize/localizer.js"

/**
 * The number of each class in a submission: its place from 1, or what a file says.
 * @param file with lines of a class's name (ImageNet: its synset) and its number, as the kit's `map_clsloc.txt`
 * @throws DataError for a file that cannot be read, or lacks a class
 */
export function classNumbers(classes: readonly string[], file: string | undefined): number[] {
  if (file === undefined) return classes.map((_, index) => index + 1)
  const numbers = new Map(
    read(file)
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .map(([name, number]) => [name!, Number(number)]),
  )
  return classes.map((name) => {
    const number = numbers.get(name)
    if (number !== undefined && Number.isInteger(number)) return number
    throw new DataError(`${file}: expected a line with the number of ${name}, as in "n02119789 1 kit_fox"`)
  })
}

/**
 * An image's line: class, left, top, right, bottom, up to five times, the surest first; pixels are counted from 1, the last
 * one inside. An image without any is an empty line.
 * @source ILSVRC2012 development kit, readme
 */
export function submissionLine(
  found: readonly Pick<LocalizedObject, "label" | "box">[],
  numbers: readonly number[],
): string {
  return found
    .slice(0, localizationDefaults.guesses)
    .map(({ label, box: [x1, y1, x2, y2] }) => {
      const [left, top] = [x1! + 1, y1! + 1].map(Math.floor) as [number, number]
      return [numbers[label - 1], left, top, Math.max(left, Math.round(x2!)), Math.max(top, Math.round(y2!))].join(" ")
    })
    .join(" ")
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (error) {
    throw new DataError(`${file}: ${(error as Error).message}`)
  }
}
