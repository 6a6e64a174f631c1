import { DataError } from "../core/errors.js"
import { numberOfText } from "../json/quoted-number.js"
import { DetectionBuilder } from "./detection-builder.js"
import { placeByName } from "./find-image.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/**
 * Detections from YOLO text files, one an image and named like it: lines of class (from 0), centre x, centre y, width, height (as
 * shares of the image's size) and score.
 * @param names of the classes by their numbers: by default the truths', in order of their ids
 * @throws DataError naming file and line, also where the truths do not tell an image's size
 */
export function detectionsFromYolo(
  truths: TruthTable,
  files: readonly { readonly name: string; readonly text: string }[],
  names?: readonly string[],
): DetectionTable {
  const find = placeByName(truths)
  const builder = new DetectionBuilder(truths, "YOLO results")
  for (const file of files) {
    const image = find(file.name.replace(/\.txt$/, ""), file.name)
    const [width, height] = [truths.widths[image]!, truths.heights[image]!]
    file.text.split("\n").forEach((line, i) => {
      if (line.trim() === "") return
      const where = `${file.name}: line ${i + 1}`
      const numbers = line.trim().split(/\s+/).map(numberOfText)
      if (
        numbers.length !== 6 ||
        !numbers.every(Number.isFinite) ||
        !(Number.isInteger(numbers[0]) && numbers[0]! >= 0)
      ) {
        const cure = numbers.length === 5 ? " (scores are missing: save them with the labels)" : ""
        throw new DataError(
          `${where}: expected "<class> <cx> <cy> <width> <height> <score>", got ${JSON.stringify(line)}${cure}`,
        )
      }
      if (!(width > 0 && height > 0)) {
        throw new DataError(
          `${where}: expected the ground truth to give the size of image "${truths.imageNames[image]}"`,
        )
      }
      const [label, cx, cy, w, h, score] = numbers as [number, number, number, number, number, number]
      if (w < 0 || h < 0) throw new DataError(`${where}: expected width and height of 0 or more, got ${w} ${h}`)
      const category = builder.numbered(label, names)
      builder.addAt(image, category, (cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height, score)
    })
  }
  return builder.finish()
}
