import { DataError } from "../core/errors.js"
import { safeNames } from "../core/safe-names.js"
import { numberOfText } from "../json/quoted-number.js"
import { doubles } from "./columns.js"
import { DetectionBuilder } from "./detection-builder.js"
import { placeByName } from "./find-image.js"
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
  const corners = detections.corners ?? inclusiveCorners(detections.boxesXywh, truths.cornersFrom)
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
 * Detections from VOC's result files, in the corners of the annotations. Which class a file is of stands in its name behind
 * the image set, which is the same in all of them.
 * @throws DataError naming file and line for anything but an image of the truths and five numbers
 */
export function detectionsFromVoc(truths: TruthTable, files: readonly VocResultFile[]): DetectionTable {
  const find = placeByName(truths)
  const corners = doubles()
  const builder = new DetectionBuilder(truths, "VOC results")
  const first = truths.cornersFrom ?? 1
  const names = classNames(
    files.map(({ name }) => name),
    truths.categoryNames,
  )
  for (const [f, file] of files.entries()) {
    const category = builder.named(names[f]!)
    file.text.split("\n").forEach((line, i) => {
      if (line.trim() === "") return
      const where = `${file.name}: line ${i + 1}`
      // Names of images may have blanks in them.
      const words = [...line.matchAll(/\S+/g)]
      const place = Math.max(0, words.length - 6)
      const image = line.slice(words[0]!.index, words[place]!.index + words[place]![0].length)
      const numbers = words.slice(place + 1).map(([word]) => numberOfText(word))
      if (numbers.length !== 5 || !numbers.every(Number.isFinite)) {
        throw new DataError(
          `${where}: expected "<image> <score> <left> <top> <right> <bottom>", got ${JSON.stringify(line)}`,
        )
      }
      const [score, left, top, right, bottom] = numbers as [number, number, number, number, number]
      if (right < left - first || bottom < top - first) {
        throw new DataError(`${where}: expected right >= left and bottom >= top, got ${numbers.slice(1).join(" ")}`)
      }
      for (const edge of [left, top, right, bottom]) corners.push(edge)
      const size = [right - left + first, bottom - top + first] as const
      builder.addAt(find(image, where), category, left - first, top - first, ...size, score)
    })
  }
  return { ...builder.finish(), corners: corners.take() }
}

/** Six decimals where they give the same double back, else as many as it takes. */
function spell(value: number): string {
  const short = value.toFixed(6)
  return Number(short) === value ? short : String(value)
}

/**
 * The class in the name of each result file, `comp4_det_<set>_<class>.txt`: both may have underscores in them, but the set
 * is one for all files. The one that leaves most known classes is taken, of several the shortest.
 */
function classNames(files: readonly string[], known: readonly string[]): string[] {
  const stems = files.map((name) => name.replace(/^comp\d_det_/, "").replace(/\.txt$/, ""))
  const first = stems[0] ?? ""
  const sets = [...first.matchAll(/_/g)].map(({ index }) => first.slice(0, index + 1))
  const shared = sets.filter((set) => stems.every((stem) => stem.startsWith(set) && stem.length > set.length))
  if (shared.length === 0) return stems.map((stem) => classAtEnd(stem, known))
  const bySpelling = new Map(safeNames(known).map((spelt, k) => [spelt, known[k]!]))
  for (const name of known) bySpelling.set(name, name)
  const fits = (set: string) => stems.filter((stem) => bySpelling.has(stem.slice(set.length))).length
  const set = shared.reduce((best, other) => (fits(other) > fits(best) ? other : best), shared[0] ?? "")
  return stems.map((stem) => bySpelling.get(stem.slice(set.length)) ?? stem.slice(set.length))
}

/** The longest known class that a name ends in, else what follows its first underscore. */
function classAtEnd(stem: string, known: readonly string[]): string {
  const fits = known.filter((name) => stem.endsWith(`_${name}`)).sort((a, b) => b.length - a.length)
  return fits[0] ?? stem.replace(/^[^_]*_/, "")
}
