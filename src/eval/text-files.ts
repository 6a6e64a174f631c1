import { DataError } from "../core/errors.js"
import { numberOfText } from "../json/quoted-number.js"
import { DetectionBuilder } from "./detection-builder.js"
import { placeByName } from "./find-image.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { TruthBuilder } from "./truth-builder.js"

/** The text file of one image; its name without `.txt` is the image's. */
export interface TextFile {
  readonly name: string
  readonly text: string
}

/** What the four numbers of a line are, in image pixels: two corners, or the upper left corner and the size. */
export type TextBoxes = "xyxy" | "xywh"

interface Line {
  readonly where: string
  readonly label: string
  /** Empty for ground truth. */
  readonly score: number | undefined
  readonly numbers: readonly [number, number, number, number]
  readonly difficult: boolean
}

/**
 * Whether text files hold lines of class, score and four numbers in pixels, as evaluation scripts take them, and not YOLO's
 * shares of the image's size.
 */
export function areInPixels(files: readonly TextFile[]): boolean {
  return files.some(({ text }) =>
    text.split("\n").some((line) => {
      const [label = "", ...numbers] = line.trim().split(/\s+/)
      return label !== "" && (!/^\d+$/.test(label) || numbers.slice(1, 5).some((word) => Number(word) > 1.5))
    }),
  )
}

/** Whether a text file is one of an image, not a list of names: a line of it ends in four numbers. */
export const holdsBoxes = (text: string): boolean => /^\s*\S.*(\s+[-+.\de]+){4}(\s+difficult)?\s*$/im.test(text)

/** A text file of one image, read line by line. */
interface ImageLines {
  readonly name: string
  /** The image. */
  readonly image: string
  readonly lines: readonly Line[]
}

/**
 * The lines of text files with boxes in pixels.
 * @throws DataError naming file and line
 */
export const textLines = (files: readonly TextFile[], kind: "truths" | "detections"): ImageLines[] =>
  files.map((file) => ({ name: file.name, image: file.name.replace(/\.txt$/, ""), lines: linesOf(file, kind) }))

/** What the boxes are by their numbers: corners, unless some line's second corner would lie before its first. */
export function boxesOf(files: readonly ImageLines[]): TextBoxes {
  const isTurned = ({ numbers: [a, b, c, d] }: Line) => c < a || d < b
  return files.some(({ lines }) => lines.some(isTurned)) ? "xywh" : "xyxy"
}

/**
 * Ground truth from text files, one an image: lines of class and four numbers in pixels, `difficult` behind them where an
 * object is. Classes are the names found, sorted.
 * @throws DataError naming file and line where a box cannot be
 */
export function truthsFromText(files: readonly ImageLines[], boxes: TextBoxes, source: string): TruthTable {
  const builder = new TruthBuilder(source)
  const names = [...new Set(files.flatMap(({ lines }) => lines.map(({ label }) => label)))].sort()
  for (const [k, name] of names.entries()) builder.addCategory(k + 1, name)
  let id = 1
  for (const [i, { image, lines }] of files.entries()) {
    builder.addImage(i + 1, image, 0, 0)
    for (const { where, label, numbers, difficult } of lines) {
      const [x, y, width, height] = asXywh(numbers, boxes, where)
      const ids = { id: id++, imageId: i + 1, categoryId: names.indexOf(label) + 1 }
      builder.addTruth({ ...ids, x, y, width, height, crowd: false, difficult })
    }
  }
  return { ...builder.finish(), unnumbered: true }
}

/**
 * Detections from text files, one an image: lines of class, score and four numbers in pixels. A class is a name, or a number
 * from 0.
 * @param names of the classes by their numbers: by default the truths', in order of their ids
 * @throws DataError naming file and line
 */
export function detectionsFromText(
  truths: TruthTable,
  files: readonly ImageLines[],
  boxes: TextBoxes,
  names?: readonly string[],
): DetectionTable {
  const find = placeByName(truths)
  const builder = new DetectionBuilder(truths, "text results")
  for (const { name, image: called, lines } of files) {
    const image = find(called, name)
    for (const { where, label, score, numbers } of lines) {
      const box = asXywh(numbers, boxes, where)
      const category = isClassNumber(truths, label) ? builder.numbered(Number(label), names) : builder.named(label)
      builder.addAt(image, category, ...box, score!)
    }
  }
  return builder.finish()
}

/** Whether a class is not called by its name, but by its number. */
export const isClassNumber = ({ categoryNames }: TruthTable, label: string): boolean =>
  /^\d+$/.test(label) && !categoryNames.includes(label)

/** Class names may have blanks in them: the numbers are taken from the end. */
function linesOf({ name, text }: TextFile, kind: "truths" | "detections"): Line[] {
  const count = kind === "truths" ? 4 : 5
  return text.split("\n").flatMap((line, i) => {
    const words = line.trim().split(/\s+/)
    if (words[0] === "") return []
    const where = `${name}: line ${i + 1}`
    const difficult = kind === "truths" && words.at(-1) === "difficult"
    const numbers = (difficult ? words.slice(0, -1) : words).slice(1).slice(-count).map(numberOfText)
    const label = words.slice(0, words.length - count - (difficult ? 1 : 0)).join(" ")
    if (label === "" || numbers.length !== count || !numbers.every(Number.isFinite)) {
      const expected = kind === "truths" ? "<class> and four numbers" : "<class> <score> and four numbers"
      throw new DataError(`${where}: expected "${expected}", got ${JSON.stringify(line)}`)
    }
    const box = numbers.slice(-4) as [number, number, number, number]
    return [{ where, label, score: kind === "truths" ? undefined : numbers[0]!, numbers: box, difficult }]
  })
}

function asXywh(
  [a, b, c, d]: Line["numbers"],
  boxes: TextBoxes,
  where: string,
): [x: number, y: number, width: number, height: number] {
  const [width, height] = boxes === "xywh" ? [c, d] : [c - a, d - b]
  if (width >= 0 && height >= 0) return [a, b, width, height]
  throw new DataError(`${where}: expected x1, y1, x2, y2 with x2 >= x1 and y2 >= y1, got ${a} ${b} ${c} ${d}`)
}
