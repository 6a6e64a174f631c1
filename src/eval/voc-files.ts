import { DataError } from "../core/errors.js"
import { doubles } from "./columns.js"
import { DetectionBuilder } from "./detection-builder.js"
import { imageFinder } from "./image-names.js"
import { byScore, counting } from "./order.js"
import { type DetectionTable, inclusiveCorners, type TruthTable } from "./tables.js"

/** comp3: trained on VOC's own data only; comp4: on any data, ImageNet's included. */
export type VocCompetition = "comp3" | "comp4"

/** One result file of VOC: all detections of one class. */
export interface VocResultFile {
  /** Such as `comp4_det_test_dog.txt`. */
  readonly name: string
  readonly text: string
}

/**
 * The result files VOC's servers take, one a class: lines of image, score, left, top, right, bottom with the top left
 * pixel at (1, 1). Numbers have six decimals, or more where six would not give the same double back.
 * @param set the image set, such as `test`
 * @source VOC2012 devkit documentation, section on detection results
 */
export function formatVocResults(
  truths: TruthTable,
  detections: DetectionTable,
  set: string,
  competition: VocCompetition = "comp4",
): VocResultFile[] {
  const corners = detections.corners ?? inclusiveCorners(detections.boxesXywh)
  const ranked = byScore(counting(detections.scores.length), detections.scores)
  const lines: string[][] = truths.categoryNames.map(() => [])
  for (const d of ranked) {
    const numbers = [detections.scores[d]!, ...corners.subarray(d * 4, d * 4 + 4)]
    lines[detections.category[d]!]?.push(`${truths.imageNames[detections.image[d]!]} ${numbers.map(spell).join(" ")}\n`)
  }
  return truths.categoryNames.map((name, k) => ({
    name: `${competition}_det_${set}_${name}.txt`,
    text: lines[k]!.join(""),
  }))
}

/**
 * Detections from VOC's result files. Which class a file is of stands at the end of its name.
 * @throws DataError naming file and line for anything but an image of the truths and five numbers
 */
export function detectionsFromVoc(truths: TruthTable, files: readonly VocResultFile[]): DetectionTable {
  const find = imageFinder(truths)
  const corners = doubles()
  const builder = new DetectionBuilder(truths, "VOC results")
  for (const file of files) {
    const category = classOf(file.name, truths)
    file.text.split("\n").forEach((line, i) => {
      const [image, ...words] = line.trim().split(/\s+/)
      if (!image) return
      const where = `${file.name}: line ${i + 1}`
      const numbers = words.map(Number)
      if (numbers.length !== 5 || !numbers.every(Number.isFinite)) {
        throw new DataError(
          `${where}: expected "<image> <score> <left> <top> <right> <bottom>", got ${JSON.stringify(line)}`,
        )
      }
      const [score, left, top, right, bottom] = numbers as [number, number, number, number, number]
      if (right < left - 1 || bottom < top - 1) {
        throw new DataError(`${where}: expected right >= left and bottom >= top, got ${numbers.slice(1).join(" ")}`)
      }
      for (const edge of [left, top, right, bottom]) corners.push(edge)
      const id = find(image, where)
      builder.add(id, category, left - 1, top - 1, right - left + 1, bottom - top + 1, score)
    })
  }
  return { ...builder.finish(), corners: corners.take() }
}

/** Six decimals where they give the same double back, else as many as it takes. */
function spell(value: number): string {
  const short = value.toFixed(6)
  return Number(short) === value ? short : String(value)
}

/** The category id that a result file's name ends in, or the name's own ending where the truths lack it. */
function classOf(name: string, truths: TruthTable): number | string {
  const stem = name.replace(/\.txt$/, "")
  const fits = truths.categoryNames
    .map((category, k) => ({ category, k }))
    .filter(({ category }) => stem.endsWith(`_${category}`))
    .sort((a, b) => b.category.length - a.category.length)[0]
  return fits ? truths.categoryIds[fits.k]! : stem.replace(/^comp\d_det_[^_]+_/, "")
}
