import { DataError } from "../core/errors.js"
import type { CocoFileAnnotation } from "../json/coco-file.js"
import { type CocoId, compareIds, idKey, isPlainId } from "../json/coco-id.js"
import { bytes, doubles } from "./columns.js"
import type { TruthTable } from "./tables.js"

/** One truth as a file tells it. */
export interface TruthRecord extends Omit<CocoFileAnnotation, "id" | "area" | "ignore" | "outlined"> {
  readonly id: CocoId
  /** Absent: width * height. */
  readonly area?: number | undefined
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
  readonly #format: "coco" | undefined
  readonly #images: (ImageRecord & { id: CocoId; name: string; width: number; height: number })[] = []
  readonly #categories: { id: CocoId; name: string; frequency: string }[] = []
  readonly #numbers = new IdNumbers()
  readonly #ids = doubles()
  readonly #imageIds = doubles()
  readonly #categoryIds = doubles()
  readonly #boxes = doubles()
  readonly #areas = doubles()
  readonly #crowd = bytes()
  readonly #difficult = bytes()

  /**
   * @param source what errors call the truths, such as the file's path
   * @param format of the file that says so, where it matters
   */
  constructor(source: string, format?: "coco") {
    this.#source = source
    this.#format = format
  }

  /** @param record what LVIS says of the image; absent for other data */
  addImage(id: CocoId, name: string, width: number, height: number, record: ImageRecord = {}): void {
    this.#images.push({ id, name, width, height, ...record })
  }

  /** @param frequency LVIS's "r", "c" or "f" */
  addCategory(id: CocoId, name: string, frequency = ""): void {
    this.#categories.push({ id, name, frequency })
  }

  /** @throws DataError for a box that is not finite or has a negative size */
  addTruth(record: TruthRecord): void {
    const { x, y, width, height } = record
    const where = () => `${this.#source}: ${this.#name(this.#ids.length)}`
    checkBox(where, x, y, width, height)
    const area = record.area ?? width * height
    if (!(area >= 0)) throw new DataError(`${where()}: expected an area of 0 or more, got ${area}`)
    // Python tests an id for truth: a text is never 0.
    this.#ids.push(typeof record.id === "number" ? record.id : Number.NaN)
    this.#imageIds.push(this.#numbers.of(record.imageId))
    this.#categoryIds.push(this.#numbers.of(record.categoryId))
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
    const images = this.#sorted(this.#images, "images")
    const categories = this.#sorted(this.#categories, "categories")
    const [imageIds, givenImageIds] = columnOf(images)
    const [categoryIds, givenCategoryIds] = columnOf(categories)
    return {
      ...(this.#format && { format: this.#format }),
      imageIds,
      ...(givenImageIds && { givenImageIds }),
      imageNames: images.map(({ name }) => name),
      widths: Float64Array.from(images, ({ width }) => width),
      heights: Float64Array.from(images, ({ height }) => height),
      categoryIds,
      ...(givenCategoryIds && { givenCategoryIds }),
      categoryNames: categories.map(({ name }) => name),
      image: this.#places(this.#imageIds.take(), images, "image_id", "images"),
      category: this.#places(this.#categoryIds.take(), categories, "category_id", "categories"),
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

  #places(ids: Float64Array, known: readonly { id: CocoId }[], key: string, list: string): Int32Array {
    const place = new Map(known.map(({ id }, i) => [this.#numbers.of(id), i]))
    const places = new Int32Array(ids.length)
    for (let g = 0; g < ids.length; g++) {
      const found = place.get(ids[g]!)
      if (found === undefined) {
        throw new DataError(
          `${this.#source}: ${this.#name(g)}: ${key} ${this.#numbers.text(ids[g]!)} is not among the ${known.length} ${list} of the file`,
        )
      }
      places[g] = found
    }
    return places
  }

  #name(index: number): string {
    return `annotations[${index}]`
  }

  #sorted<T extends { id: CocoId }>(records: readonly T[], list: string): T[] {
    const seen = new Set<number | string>()
    for (const { id } of records) {
      const key = idKey(id)
      if (seen.has(key)) throw new DataError(`${this.#source}: ${list}: expected each id once, got ${id} twice`)
      seen.add(key)
    }
    return [...records].sort((a, b) => compareIds(a.id, b.id))
  }
}

/** Past every id that a double tells from its neighbours: stand-ins start here, two apart. */
const FIRST_STAND_IN = 2 ** 53

/** A number for each id: itself, or a stand-in for a text or one beyond 2^53. */
class IdNumbers {
  readonly #standIns = new Map<string, number>()

  of(id: CocoId): number {
    if (isPlainId(id)) return id
    const key = idKey(id)
    if (typeof key === "number") return key
    const known = this.#standIns.get(key)
    if (known !== undefined) return known
    const next = FIRST_STAND_IN + 2 * this.#standIns.size
    this.#standIns.set(key, next)
    return next
  }

  text(number: number): string {
    if (number < FIRST_STAND_IN) return String(number)
    return [...this.#standIns].find(([, standIn]) => standIn === number)?.[0] ?? String(number)
  }
}

/** Ids in their order as a column; where some are no plain numbers, of stand-ins in the same order, and the ids as given. */
function columnOf(records: readonly { id: CocoId }[]): [Float64Array, CocoId[] | undefined] {
  const ids = records.map(({ id }) => id)
  if (ids.every(isPlainId)) return [Float64Array.from(ids), undefined]
  return [Float64Array.from(ids, (_, i) => FIRST_STAND_IN + 2 * i), ids]
}
