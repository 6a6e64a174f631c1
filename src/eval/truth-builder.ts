import { DataError } from "../core/errors.js"
import { bytes, doubles } from "./columns.js"
import type { TruthTable } from "./tables.js"

/** One truth as a file tells it. */
export interface TruthRecord {
  readonly id: number
  readonly imageId: number
  readonly categoryId: number
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Absent: width * height. */
  readonly area?: number | undefined
  readonly crowd: boolean
  readonly difficult: boolean
}

/** What LVIS says of an image. */
export interface ImageRecord {
  /** Category ids known to be absent. */
  readonly negative?: readonly number[] | undefined
  /** Category ids of which there may be more than is annotated. */
  readonly notExhaustive?: readonly number[] | undefined
}

/** @throws DataError naming `where` when a box or its area is not finite or has a negative size */
export function checkBox(where: () => string, x: number, y: number, width: number, height: number): void {
  if (!Number.isFinite(x + y + width + height)) {
    throw new DataError(`${where()}: expected a box of finite numbers, got [${[x, y, width, height].join(", ")}]`)
  }
  if (width < 0 || height < 0) {
    throw new DataError(
      `${where()}: expected width and height of 0 or more, got [${[x, y, width, height].join(", ")}] (x, y, width, height)`,
    )
  }
}

/** Collects images, categories and truths in any order; `finish` checks that they fit together. */
export class TruthBuilder {
  readonly #source: string
  readonly #images: (ImageRecord & { id: number; name: string; width: number; height: number })[] = []
  readonly #categories: { id: number; name: string; frequency: string }[] = []
  readonly #ids = doubles()
  readonly #imageIds = doubles()
  readonly #categoryIds = doubles()
  readonly #boxes = doubles()
  readonly #areas = doubles()
  readonly #crowd = bytes()
  readonly #difficult = bytes()

  /** @param source what errors call the truths, such as the file's path */
  constructor(source: string) {
    this.#source = source
  }

  /** @param record what LVIS says of the image; absent for other data */
  addImage(id: number, name: string, width: number, height: number, record: ImageRecord = {}): void {
    this.#images.push({ id, name, width, height, ...record })
  }

  /** @param frequency LVIS's "r", "c" or "f" */
  addCategory(id: number, name: string, frequency = ""): void {
    this.#categories.push({ id, name, frequency })
  }

  /** @throws DataError for a box that is not finite or has a negative size */
  addTruth(record: TruthRecord): void {
    const { x, y, width, height } = record
    const where = () => `${this.#source}: ${this.#name(this.#ids.length)}`
    checkBox(where, x, y, width, height)
    const area = record.area ?? width * height
    if (!(area >= 0)) throw new DataError(`${where()}: expected an area of 0 or more, got ${area}`)
    this.#ids.push(record.id)
    this.#imageIds.push(record.imageId)
    this.#categoryIds.push(record.categoryId)
    this.#boxes.push(x)
    this.#boxes.push(y)
    this.#boxes.push(width)
    this.#boxes.push(height)
    this.#areas.push(area)
    this.#crowd.push(record.crowd ? 1 : 0)
    this.#difficult.push(record.difficult ? 1 : 0)
  }

  /** @throws DataError for an id that appears twice, or a truth of an unknown image or category */
  finish(): TruthTable {
    const images = sortedById(this.#images, this.#source, "images")
    const categories = sortedById(this.#categories, this.#source, "categories")
    const imageIds = Float64Array.from(images, ({ id }) => id)
    const categoryIds = Float64Array.from(categories, ({ id }) => id)
    return {
      imageIds,
      imageNames: images.map(({ name }) => name),
      widths: Float64Array.from(images, ({ width }) => width),
      heights: Float64Array.from(images, ({ height }) => height),
      categoryIds,
      categoryNames: categories.map(({ name }) => name),
      image: this.#places(this.#imageIds.take(), imageIds, "image_id", "images"),
      category: this.#places(this.#categoryIds.take(), categoryIds, "category_id", "categories"),
      boxesXywh: this.#boxes.take(),
      areas: this.#areas.take(),
      crowd: this.#crowd.take(),
      difficult: this.#difficult.take(),
      ids: this.#ids.take(),
      ...(images.some(({ negative }) => negative !== undefined) && {
        federated: {
          negative: images.map(({ negative }) => negative ?? []),
          notExhaustive: images.map(({ notExhaustive }) => notExhaustive ?? []),
          frequency: categories.map(({ frequency }) => frequency),
        },
      }),
    }
  }

  #places(ids: Float64Array, known: Float64Array, key: string, list: string): Int32Array {
    const place = new Map<number, number>()
    for (let i = 0; i < known.length; i++) place.set(known[i]!, i)
    const places = new Int32Array(ids.length)
    for (let g = 0; g < ids.length; g++) {
      const found = place.get(ids[g]!)
      if (found === undefined) {
        throw new DataError(
          `${this.#source}: ${this.#name(g)}: ${key} ${ids[g]} is not among the ${known.length} ${list} of the file`,
        )
      }
      places[g] = found
    }
    return places
  }

  #name(index: number): string {
    return `annotations[${index}]`
  }
}

function sortedById<T extends { id: number }>(records: readonly T[], source: string, list: string): T[] {
  const sorted = [...records].sort((a, b) => a.id - b.id)
  const twice = sorted.find((record, i) => i > 0 && record.id === sorted[i - 1]!.id)
  if (twice) throw new DataError(`${source}: ${list}: expected each id once, got ${twice.id} twice`)
  return sorted
}
