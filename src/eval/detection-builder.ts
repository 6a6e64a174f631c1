import { DataError } from "../core/errors.js"
import { IdIndex } from "./id-index.js"
import { guessImageIds } from "./image-ids.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { checkBox } from "./truth-builder.js"

/** Where `addRecord` finds the numbers of a detection. */
export const RECORD = { box: 0, imageId: 4, category: 5, score: 6, length: 7 } as const

/** Collects detections of the images of one truth table, checking each; `finish` hands the table over. */
export class DetectionBuilder {
  readonly #truths: TruthTable
  readonly #source: string
  readonly #images: IdIndex
  readonly #categories: IdIndex
  readonly #unknownPlaces = new Map<number | string, number>()
  readonly #unknownCategories: (number | string)[] = []
  readonly #unknownImages = new Set<number>()
  #unknownImageRecords = 0
  #firstUnknown = ""
  #count = 0
  #image = new Int32Array(256)
  #category = new Int32Array(256)
  #boxes = new Float64Array(1024)
  #scores = new Float64Array(256)
  readonly #record = new Float64Array(RECORD.length)

  /** @param source what errors call the detections, such as the file's path */
  constructor(truths: TruthTable, source: string) {
    this.#truths = truths
    this.#source = source
    this.#images = new IdIndex(truths.imageIds)
    this.#categories = new IdIndex(truths.categoryIds)
  }

  get length(): number {
    return this.#count + this.#unknownImageRecords
  }

  /**
   * @param category the truths' category id; an unknown one is kept apart and shows up in `unknownCategories`
   * @throws DataError for a box that is not finite or has a negative size, or a score that is not finite
   */
  add(
    imageId: number,
    category: number | string,
    x: number,
    y: number,
    width: number,
    height: number,
    score: number,
  ): void {
    this.#record.set([x, y, width, height, imageId, 0, score])
    const place = typeof category === "number" ? this.#categoryPlace(category) : this.#unknownPlace(category)
    this.#put(this.#record, place)
  }

  /**
   * `add` with its numbers laid out as in `RECORD`: for files of many records.
   * @throws DataError for a box that is not finite or has a negative size, or a score that is not finite
   */
  addRecord(record: Float64Array): void {
    this.#put(record, this.#categoryPlace(record[RECORD.category]!))
  }

  /** Drops the detections from number `length` on. */
  truncate(length: number): void {
    this.#count = Math.min(this.#count, length)
  }

  #put(record: Float64Array, category: number): void {
    const x = record[0]!
    const y = record[1]!
    const width = record[2]!
    const height = record[3]!
    const score = record[RECORD.score]!
    if (!(width >= 0) || !(height >= 0) || !Number.isFinite(x + y + width + height + score)) {
      this.#refuse(x, y, width, height, score)
    }
    const image = this.#images.place(record[RECORD.imageId]!)
    if (image < 0) {
      this.#countUnknown(record[RECORD.imageId]!)
      return
    }
    const d = this.#count++
    if (d === this.#image.length) this.#grow()
    this.#image[d] = image
    this.#category[d] = category
    const box = d * 4
    this.#boxes[box] = x
    this.#boxes[box + 1] = y
    this.#boxes[box + 2] = width
    this.#boxes[box + 3] = height
    this.#scores[d] = score
  }

  /** @throws DataError when detections name images which the truths lack: how many, the first, and what might be meant */
  finish(): DetectionTable {
    if (this.#unknownImageRecords > 0) {
      const share = this.#count === 0 ? "no record names a known image" : "the others name known images"
      throw new DataError(
        `${this.#source}: ${this.#firstUnknown} is not among the ${this.#truths.imageIds.length} images of the ground truth` +
          ` (${this.#unknownImageRecords} of ${this.length} records name unknown images; ${share}).` +
          ` ${guessImageIds(this.#truths, [...this.#unknownImages])}`,
      )
    }
    return {
      image: this.#image.subarray(0, this.#count),
      category: this.#category.subarray(0, this.#count),
      boxesXywh: this.#boxes.subarray(0, 4 * this.#count),
      scores: this.#scores.subarray(0, this.#count),
      unknownCategories: this.#unknownCategories,
    }
  }

  /** Place of a category of the truths, or of an unknown one. */
  #categoryPlace(category: number): number {
    const place = this.#categories.place(category)
    return place >= 0 ? place : this.#unknownPlace(category)
  }

  #unknownPlace(category: number | string): number {
    const known = this.#unknownPlaces.get(category)
    if (known !== undefined) return known
    const place = -1 - this.#unknownCategories.length
    this.#unknownCategories.push(category)
    this.#unknownPlaces.set(category, place)
    return place
  }

  #countUnknown(imageId: number): void {
    if (this.#unknownImageRecords++ === 0) this.#firstUnknown = `record ${this.length - 1}: image_id ${imageId}`
    if (this.#unknownImages.size < 10_000) this.#unknownImages.add(imageId)
  }

  #grow(): void {
    this.#image = enlarged(this.#image, new Int32Array(2 * this.#image.length))
    this.#category = enlarged(this.#category, new Int32Array(2 * this.#category.length))
    this.#boxes = enlarged(this.#boxes, new Float64Array(2 * this.#boxes.length))
    this.#scores = enlarged(this.#scores, new Float64Array(2 * this.#scores.length))
  }

  #refuse(x: number, y: number, width: number, height: number, score: number): never {
    const where = () => `${this.#source}: record ${this.length}`
    checkBox(where, x, y, width, height)
    throw new DataError(`${where()}: expected a finite score, got ${score}`)
  }
}

function enlarged<T extends Int32Array | Float64Array>(values: T, larger: T): T {
  larger.set(values)
  return larger
}
