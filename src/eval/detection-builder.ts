import { DataError } from "../core/errors.js"
import { type CocoId, idKey } from "../json/coco-id.js"
import { FindImage, toldWhere } from "./find-image.js"
import { IdIndex } from "./id-index.js"
import { guessImageIds } from "./image-ids.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { checkBox } from "./truth-builder.js"

/** Where `addRecord` finds the numbers of a detection; NaN stands for an id that is no plain number. */
export const RECORD = { box: 0, imageId: 4, category: 5, score: 6, length: 7 } as const

/** Collects detections of the images of one truth table, checking each; `finish` hands the table over. */
export class DetectionBuilder {
  readonly #truths: TruthTable
  readonly #source: string
  readonly #images: FindImage
  readonly #categories: IdIndex
  #named: Map<number | string, number> | undefined
  readonly #unknownPlaces = new Map<number | string, number>()
  readonly #unknownCategories: (number | string)[] = []
  readonly #unknownImages = new Set<CocoId>()
  #unknownImageRecords = 0
  #firstUnknown = ""
  /** Whether a class was called by a name, and whether one was by an id or a number. */
  #hasNames = false
  #hasNumbers = false
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
    this.#images = new FindImage(truths)
    this.#categories = new IdIndex(truths.categoryIds)
  }

  get length(): number {
    return this.#count + this.#unknownImageRecords
  }

  /**
   * @param imageId as a result file has it: the image's id, or its name with or without folder and ending
   * @param category likewise its id or name; an unknown one is kept apart and shows up in `unknownCategories`
   * @throws DataError for a box that is not finite or has a negative size, a score that is not finite, or an image that
   * may be several
   */
  add(imageId: CocoId, category: CocoId, x: number, y: number, width: number, height: number, score: number): void {
    this.addAt(this.imagePlace(imageId), this.categoryPlace(category), x, y, width, height, score, imageId)
  }

  /**
   * `add` for places that are known.
   * @param image position in the truths' `imageIds`
   * @param category what `categoryPlace` or `unknownCategory` gives
   * @throws DataError for a box that is not finite or has a negative size, or a score that is not finite
   */
  addAt(
    image: number,
    category: number,
    x: number,
    y: number,
    width: number,
    height: number,
    score: number,
    imageId: CocoId = image,
  ): void {
    this.#record.set([x, y, width, height, 0, 0, score])
    this.#put(this.#record, image, category, imageId)
  }

  /**
   * `add` for ids that are plain numbers, with all numbers laid out as in `RECORD`: for files of many records.
   * @throws DataError for a box that is not finite or has a negative size, a score that is not finite, or an image that
   * may be several
   */
  addRecord(record: Float64Array): void {
    const imageId = record[RECORD.imageId]!
    this.#hasNumbers = true
    const place = this.#categories.place(record[RECORD.category]!)
    const category = place >= 0 ? place : this.categoryPlace(record[RECORD.category]!)
    this.#put(record, this.#images.numbered(imageId), category, imageId)
  }

  /**
   * Place of the image that an id or a name of a result file means, -1 for none.
   * @throws DataError when it is the name of several, or another name was found to be the same image's
   */
  imagePlace(imageId: CocoId): number {
    return toldWhere(this.#source, () => this.#images.meant(imageId))
  }

  /** Place of the category of this name; an unknown one gets a place of its own. */
  named(name: string): number {
    this.#hasNames = true
    this.#named ??= categoriesByKey(this.#truths)
    return this.#named.get(`name ${name}`) ?? this.unknownCategory(name)
  }

  /** Place of the category that a number from 0 means: one of `names`, or of the truths' in order of their ids. */
  numbered(number: number, names?: readonly string[]): number {
    const name = names?.[number]
    if (name !== undefined) return this.named(name)
    this.#hasNumbers = true
    const isPlace = names === undefined && number < this.#truths.categoryIds.length
    return isPlace ? number : this.unknownCategory(`class ${number}`)
  }

  /** Place of the category that an id or a name of a result file means; an unknown one gets a place of its own. */
  categoryPlace(category: CocoId): number {
    const key = idKey(category)
    this.#named ??= categoriesByKey(this.#truths)
    const known = this.#named.get(key)
    if (known === undefined && typeof category === "string" && this.#named.has(`name ${category}`)) {
      return this.named(category)
    }
    this.#hasNumbers = true
    return known ?? this.unknownCategory(key)
  }

  /** Place of a category that the truths lack. */
  unknownCategory(category: number | string): number {
    const known = this.#unknownPlaces.get(category)
    if (known !== undefined) return known
    const place = -1 - this.#unknownCategories.length
    this.#unknownCategories.push(category)
    this.#unknownPlaces.set(category, place)
    return place
  }

  /** Drops the detections from number `length` on. */
  truncate(length: number): void {
    this.#count = Math.min(this.#count, length)
  }

  #put(record: Float64Array, image: number, category: number, imageId: CocoId): void {
    const x = record[0]!
    const y = record[1]!
    const width = record[2]!
    const height = record[3]!
    const score = record[RECORD.score]!
    if (!(width >= 0) || !(height >= 0) || !Number.isFinite(x + y + width + height + score)) {
      this.#refuse(x, y, width, height, score)
    }
    if (image < 0) {
      this.#countUnknown(imageId)
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
      ...(this.#hasNames && !this.#hasNumbers && { byName: true as const }),
    }
  }

  #countUnknown(imageId: CocoId): void {
    const spelt = typeof imageId === "string" ? JSON.stringify(imageId) : imageId
    if (this.#unknownImageRecords++ === 0) this.#firstUnknown = `record ${this.length - 1}: image_id ${spelt}`
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

/** Places of the categories by id, and by `name <name>`. */
function categoriesByKey({ categoryIds, givenCategoryIds, categoryNames }: TruthTable): Map<number | string, number> {
  const ids: readonly CocoId[] = givenCategoryIds ?? [...categoryIds]
  return new Map([
    ...categoryNames.map((name, k) => [`name ${name}`, k] as const),
    ...ids.map((id, k) => [idKey(id), k] as const),
  ])
}

function enlarged<T extends Int32Array | Float64Array>(values: T, larger: T): T {
  larger.set(values)
  return larger
}
