import { pipeline } from "node:stream/promises"
import { CsvError, type Info, parse } from "csv-parse"
import { CsvHeader, csvDelimiter, headings } from "../core/csv-columns.js"
import { DataError } from "../core/errors.js"
import { beginningOf } from "../json/beginning.js"
import { foreignKind } from "../json/foreign.js"
import type { ByteChunks } from "../json/lists.js"
import { numberOfText } from "../json/quoted-number.js"
import { doubles, integers } from "./columns.js"
import { DetectionBuilder } from "./detection-builder.js"
import type { DetectionTable, TruthTable } from "./tables.js"

type Box = readonly [number, number, number, number]

/** How a row's four numbers become x, y, width, height. */
const forms = {
  "x1, y1, x2, y2": ([a, b, c, d]: Box): Box => [a, b, c - a, d - b],
  "left, top, width, height": (box: Box): Box => box,
  "centre x, centre y, width, height": ([a, b, c, d]: Box): Box => [a - c / 2, b - d / 2, c, d],
}
type Form = keyof typeof forms

/** What a header says of the rows below it. */
interface Columns {
  readonly image: number
  readonly form: Form
  /** Whether labels are ids of categories. */
  readonly isId: boolean
  /** The detections of a row: none where it only names an image. */
  readonly found: (row: readonly string[], where: string) => Found[]
}

interface Found {
  readonly label: string
  readonly score: string
  readonly box: readonly string[]
}

const names = {
  id: ["categoryid", "classid", "classindex", "cls"],
  score: ["score", "confidence", "conf", "probability", "prob", "scores"],
  left: ["x", "left", "xmin", "x1", "bboxx", "boxx"],
  top: ["y", "top", "ymin", "y1", "bboxy", "boxy"],
  width: ["w", "bboxwidth", "boxwidth", "bboxw", "boxw", "width"],
  height: ["h", "bboxheight", "boxheight", "bboxh", "boxh", "height"],
  centreX: ["cx", "xcenter", "xcentre", "centerx", "centrex", "xc"],
  centreY: ["cy", "ycenter", "ycentre", "centery", "centrey", "yc"],
  box: ["bbox", "box"],
  packed: ["predictionstring"],
} as const

const expected = "a header such as image,label,score,x1,y1,x2,y2 (or x,y,width,height)"

/**
 * Detections from a CSV file with a detection a row, as `resdet detect --format csv`, Open Images and Kaggle have them: its
 * header says which column is what. Boxes that all lie between 0 and 1 are parts of the image's size.
 * @param log is told what was decided
 * @throws DataError naming the line, or the column that is missing
 */
export async function detectionsFromCsv(
  truths: TruthTable,
  chunks: ByteChunks,
  source: string,
  log: (line: string) => void,
): Promise<DetectionTable> {
  const [start, whole] = await beginningOf(chunks)
  const foreign = foreignKind(start)
  if (foreign !== undefined) throw new DataError(`${source}: expected ${expected}, got ${foreign}`)
  const reader = new CsvReader(truths, source)
  const delimiter = csvDelimiter(new TextDecoder().decode(start))
  const rows = parse({ bom: true, delimiter, relax_column_count: true, skip_empty_lines: true, trim: true, info: true })
  try {
    await pipeline(copiesOf(whole), rows, async (parsed: AsyncIterable<{ record: string[]; info: Info }>) => {
      for await (const { record, info } of parsed) reader.row(record, info.lines)
    })
  } catch (error) {
    throw error instanceof CsvError ? new DataError(`${source}: broken CSV: ${error.message}`) : error
  }
  return reader.finish(log)
}

/** The parser keeps what it has not read yet, and a chunk may be a buffer that is filled anew. */
async function* copiesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield chunk.slice()
}

class CsvReader {
  readonly #truths: TruthTable
  readonly #source: string
  readonly #builder: DetectionBuilder
  readonly #unknownImages: string[] = []
  /** Places; -1 - i for the unknown image i. */
  readonly #images = integers()
  readonly #categories = integers()
  /** Boxes in their form, and scores. */
  readonly #boxes = doubles()
  readonly #scores = doubles()
  readonly #lines = integers()
  #columns: Columns | undefined
  #hasNumbers = false

  constructor(truths: TruthTable, source: string) {
    this.#truths = truths
    this.#source = source
    this.#builder = new DetectionBuilder(truths, source)
  }

  row(row: readonly string[], line: number): void {
    if (this.#columns === undefined) {
      const columns = columnsOf(row)
      if (typeof columns === "string") {
        throw new DataError(`${this.#source}: line ${line}: expected ${expected}, got ${columns}`)
      }
      this.#columns = columns
      return
    }
    const where = `${this.#source}: line ${line}`
    const image = row[this.#columns.image] ?? ""
    for (const one of this.#columns.found(row, where)) this.#add(image, one, where, line)
  }

  finish(log: (line: string) => void): DetectionTable {
    if (this.#columns === undefined) throw new DataError(`${this.#source}: expected ${expected}, got an empty file`)
    const { form } = this.#columns
    const [images, categories, lines] = [this.#images.take(), this.#categories.take(), this.#lines.take()]
    const [boxes, scores] = [this.#boxes.take(), this.#scores.take()]
    const isShare = boxes.length > 0 && boxes.every((value) => value >= -0.5 && value <= 1.5)
    log(`${this.#source}: boxes are ${form} ${isShare ? "in parts of the image's size" : "in pixels"}`)
    if (this.#hasNumbers) log(`${this.#source}: classes are numbers, from 0 in the order of the ground truth's classes`)
    for (let d = 0; d < scores.length; d++) {
      const [x, y, width, height] = forms[form](boxes.subarray(4 * d, 4 * d + 4) as unknown as Box)
      const where = `${this.#source}: line ${lines[d]}`
      if (width < 0 || height < 0) {
        const numbers = boxes.subarray(4 * d, 4 * d + 4).join(", ")
        throw new DataError(`${where}: expected ${form} of a box with a width and height of 0 or more, got ${numbers}`)
      }
      const image = images[d]!
      const [w, h] = isShare && image >= 0 ? this.#sizeOf(image, where) : [1, 1]
      const scaled = [x * w, y * h, width * w, height * h] as const
      const name = image < 0 ? this.#unknownImages[-1 - image]! : image
      this.#builder.addAt(image, categories[d]!, ...scaled, scores[d]!, name)
    }
    return this.#builder.finish()
  }

  #add(image: string, { label, score, box }: Found, where: string, line: number): void {
    const numbers = [...box, score].map(numberOfText)
    if (numbers.length !== 5 || !numbers.every(Number.isFinite)) {
      throw new DataError(`${where}: expected a score and the four numbers of a box, got ${[score, ...box].join(", ")}`)
    }
    const place = this.#builder.imagePlace(image)
    this.#images.push(place >= 0 ? place : -this.#unknownImages.push(image))
    this.#categories.push(this.#category(label))
    for (const number of numbers.slice(0, 4)) this.#boxes.push(number)
    this.#scores.push(numbers[4]!)
    this.#lines.push(line)
  }

  /** Place of the category: by its name, by its id, else by its number from 0. */
  #category(label: string): number {
    const { categoryNames } = this.#truths
    const isId = this.#columns?.isId
    if (!isId && categoryNames.includes(label)) return this.#builder.named(label)
    if (isId || !/^\d+$/.test(label)) return this.#builder.categoryPlace(label)
    this.#hasNumbers = true
    return this.#builder.numbered(Number(label))
  }

  #sizeOf(image: number, where: string): readonly [width: number, height: number] {
    const size = [this.#truths.widths[image]!, this.#truths.heights[image]!] as const
    if (size[0] > 0 && size[1] > 0) return size
    const name = this.#truths.imageNames[image]
    throw new DataError(`${where}: expected the ground truth to give the size of image "${name}"`)
  }
}

/** The columns by their header, or what it lacks. */
function columnsOf(row: readonly string[]): Columns | string {
  const header = new CsvHeader(row)
  const image = header.place(headings.image)
  const packed = header.place(names.packed)
  if (image !== undefined && packed !== undefined) {
    return { image, form: "x1, y1, x2, y2", isId: false, found: (cells, where) => unpacked(cells[packed] ?? "", where) }
  }
  const label = header.place(headings.label, image) ?? header.place(names.id)
  const score = header.place(names.score)
  const box = boxColumns(header)
  if (image === undefined && label === undefined && box === undefined) return `"${row.join(",").slice(0, 80)}"`
  if (image === undefined) return "no column for the image"
  if (label === undefined) return "no column for the class"
  if (score === undefined) return "no column for the score"
  if (box === undefined) return "no columns for the box"
  if (header.twice !== undefined) return `two columns "${header.twice}"`
  const found = (cells: readonly string[]) => {
    const texts = box.places.map((at) => cells[at] ?? "")
    const numbers = texts.length > 1 ? texts : wordsOf(texts[0]!, /[\s,[\]()]+/)
    const one = { label: cells[label] ?? "", score: cells[score] ?? "", box: numbers }
    return one.score === "" && numbers.every((text) => text === "") ? [] : [one]
  }
  return { image, form: box.form, isId: label === header.place(["categoryid"]), found }
}

const wordsOf = (text: string, between: RegExp) => text.split(between).filter((word) => word !== "")

/** Kaggle's form: all detections of an image in one cell, six words each. */
function unpacked(cell: string, where: string): Found[] {
  const words = wordsOf(cell, /\s+/)
  if (words.length % 6 !== 0) {
    throw new DataError(`${where}: expected six words a detection, "class score x1 y1 x2 y2", got ${words.length}`)
  }
  return Array.from({ length: words.length / 6 }, (_, i) => {
    const [label, score, ...box] = words.slice(6 * i, 6 * i + 6)
    return { label: label!, score: score!, box }
  })
}

/** Where the four numbers are, in columns or as a text in one, and what they are. */
function boxColumns(header: CsvHeader): { readonly places: readonly number[]; readonly form: Form } | undefined {
  const { x1, y1, x2, y2 } = headings
  const { left, top, width, height, centreX, centreY } = names
  const tried: readonly (readonly [Form, readonly number[] | undefined])[] = [
    ["x1, y1, x2, y2", header.places([x1, y1, x2, y2])],
    ["centre x, centre y, width, height", header.places([centreX, centreY, width, height])],
    ["left, top, width, height", header.places([left, top, width, height]) ?? header.places([names.box])],
  ]
  for (const [form, places] of tried) if (places !== undefined) return { places, form }
  return undefined
}
