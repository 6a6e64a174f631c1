import { DataError } from "../tensor/errors.js"
import { doubles, integers } from "./columns.js"
import { guessImageIds } from "./image-ids.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { checkBox } from "./truth-builder.js"

/** Collects detections of the images of one truth table, checking each; `finish` hands the table over. */
export class DetectionBuilder {
  readonly #truths: TruthTable
  readonly #source: string
  readonly #imagePlace = new Map<number, number>()
  readonly #categoryPlace = new Map<number | string, number>()
  readonly #unknownCategories: (number | string)[] = []
  readonly #unknownImages = new Set<number>()
  #unknownImageRecords = 0
  #firstUnknown = ""
  readonly #image = integers()
  readonly #category = integers()
  readonly #boxes = doubles()
  readonly #scores = doubles()

  /** @param source what errors call the detections, such as the file's path */
  constructor(truths: TruthTable, source: string) {
    this.#truths = truths
    this.#source = source
    for (let i = 0; i < truths.imageIds.length; i++) this.#imagePlace.set(truths.imageIds[i]!, i)
    for (let k = 0; k < truths.categoryIds.length; k++) this.#categoryPlace.set(truths.categoryIds[k]!, k)
  }

  get length(): number {
    return this.#scores.length + this.#unknownImageRecords
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
    const finite = Number.isFinite(x + y + width + height + score)
    if (!finite || width < 0 || height < 0) this.#refuse(x, y, width, height, score)
    const image = this.#imagePlace.get(imageId)
    if (image === undefined) {
      if (this.#unknownImageRecords++ === 0) this.#firstUnknown = `record ${this.length - 1}: image_id ${imageId}`
      if (this.#unknownImages.size < 10_000) this.#unknownImages.add(imageId)
      return
    }
    this.#image.push(image)
    this.#category.push(this.#categoryPlace.get(category) ?? this.#newCategory(category))
    this.#boxes.push(x)
    this.#boxes.push(y)
    this.#boxes.push(width)
    this.#boxes.push(height)
    this.#scores.push(score)
  }

  /** @throws DataError when detections name images which the truths lack: how many, the first, and what might be meant */
  finish(): DetectionTable {
    if (this.#unknownImageRecords > 0) {
      const share = this.#scores.length === 0 ? "no record names a known image" : "the others name known images"
      throw new DataError(
        `${this.#source}: ${this.#firstUnknown} is not among the ${this.#truths.imageIds.length} images of the truths` +
          ` (${this.#unknownImageRecords} of ${this.length} records name unknown images; ${share}).` +
          ` ${guessImageIds(this.#truths, [...this.#unknownImages])}`,
      )
    }
    return {
      image: this.#image.take(),
      category: this.#category.take(),
      boxesXywh: this.#boxes.take(),
      scores: this.#scores.take(),
      unknownCategories: this.#unknownCategories,
    }
  }

  #newCategory(category: number | string): number {
    const place = -1 - this.#unknownCategories.length
    this.#unknownCategories.push(category)
    this.#categoryPlace.set(category, place)
    return place
  }

  #refuse(x: number, y: number, width: number, height: number, score: number): never {
    const where = () => `${this.#source}: record ${this.length}`
    checkBox(where, x, y, width, height)
    throw new DataError(`${where()}: expected a finite score, got ${score}`)
  }
}
