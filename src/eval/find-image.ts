import { DataError } from "../core/errors.js"
import { numberInName } from "../core/number-in-name.js"
import { didYouMean } from "../core/suggest.js"
import { type CocoId, idKey } from "../json/coco-id.js"
import { IdIndex } from "./id-index.js"
import type { TruthTable } from "./tables.js"

/** Several images go by a name or number. */
const SEVERAL = -2

/** `images/000042.jpg` without folder and ending: `000042`. */
function imageStem(name: string): string {
  return name.replace(/^.*[\\/]/, "").replace(/\.[A-Za-z]\w*$/, "")
}

/** `detect` writes blanks in the names of VOC's files as %20. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** The number in an image's name, with or without folder and ending. */
export const imageNumber = (name: string): number => numberInName(imageStem(name))

/** Finds the images of a truth table by what result files call them. */
export class FindImage {
  readonly #truths: TruthTable
  /** Places by id, where all ids are plain numbers. */
  readonly #plain: IdIndex | undefined
  /** Places by id key, where some are not. */
  readonly #given: ReadonlyMap<number | string, number> | undefined
  #byName: Map<string, number> | undefined
  #byNumber: Map<number, number> | undefined

  constructor(truths: TruthTable) {
    this.#truths = truths
    const { givenImageIds } = truths
    if (givenImageIds) this.#given = new Map(givenImageIds.map((id, i) => [idKey(id), i]))
    else if (truths.imageIds.length > 0) this.#plain = new IdIndex(truths.imageIds)
  }

  /** Place of the image with this id in the truths themselves, -1 for none. */
  withId(id: CocoId): number {
    const key = idKey(id)
    if (this.#given) return this.#given.get(key) ?? -1
    return typeof key === "number" ? (this.#plain?.place(key) ?? -1) : -1
  }

  /**
   * Place of the image that a number in a result file means, -1 for none: its id, or the number in its file name where the
   * data have no ids. Positions in a list mean nothing.
   * @throws DataError when it is the number of several
   */
  numbered(id: number): number {
    if (!this.#truths.unnumbered) return this.#given ? (this.#given.get(id) ?? -1) : (this.#plain?.place(id) ?? -1)
    this.#byNumber ??= this.#numbersOfNames()
    const place = this.#byNumber.get(id) ?? -1
    return place === SEVERAL ? this.#several(`image_id ${id}`, (name) => imageNumber(name) === id) : place
  }

  /**
   * Place of the image that any id of a result file means, -1 for none: an id, else a name with or without folder and
   * ending.
   * @throws DataError when it is the name of several
   */
  meant(id: CocoId): number {
    const key = idKey(id)
    const place = typeof key === "number" ? this.numbered(key) : (this.#given?.get(key) ?? -1)
    return place >= 0 || typeof id !== "string" ? place : this.named(id)
  }

  /**
   * Place of the image of this name, with or without folder and ending; -1 for none.
   * @throws DataError when it is the name of several
   */
  named(name: string): number {
    this.#byName ??= this.#names()
    const place = this.#byName.get(name) ?? this.#byName.get(imageStem(name)) ?? this.#byName.get(decoded(name)) ?? -1
    return place === SEVERAL ? this.#several(`"${name}"`, (other) => imageStem(other) === imageStem(name)) : place
  }

  /** What to say of a name that no image has. */
  unknown(name: string): string {
    const names = this.#truths.imageNames
    const near = didYouMean(imageStem(name), names.slice(0, 1000).map(imageStem))
    return `image "${name}" is not among the ${names.length} images of the ground truth.${near}`
  }

  #names(): Map<string, number> {
    const places = new Map<string, number>()
    const { imageNames } = this.#truths
    const put = (name: string, i: number) => {
      const other = places.get(name)
      places.set(name, other === undefined || other === i ? i : SEVERAL)
    }
    for (const [i, name] of imageNames.entries()) put(imageStem(name), i)
    // A whole name counts before another's stem.
    const whole = new Map<string, number>()
    for (const [i, name] of imageNames.entries()) whole.set(name, whole.has(name) ? SEVERAL : i)
    for (const [name, i] of whole) places.set(name, i)
    return places
  }

  #numbersOfNames(): Map<number, number> {
    const places = new Map<number, number>()
    this.#truths.imageNames.forEach((name, i) => {
      const number = imageNumber(name)
      places.set(number, places.has(number) ? SEVERAL : i)
    })
    // A name that is nothing but the number counts first.
    this.#truths.imageNames.forEach((name, i) => {
      const stem = imageStem(name)
      if (/^\d+$/.test(stem) && places.get(Number(stem)) === SEVERAL) {
        const rivals = this.#truths.imageNames.filter((other) => imageStem(other) === stem)
        if (rivals.length === 1) places.set(Number(stem), i)
      }
    })
    return places
  }

  #several(what: string, fits: (name: string) => boolean): never {
    const names = this.#truths.imageNames.filter(fits)
    throw new DataError(
      `${what} may be ${names[0]} or ${names[1]}${names.length > 2 ? ` (${names.length} in all)` : ""} of the ground truth:` +
        " name the image by its id, or by its path with the folder",
    )
  }
}

/** Finds images by name and gives their places; what it returns throws a DataError for unknown ones and several. */
export function placeByName(truths: TruthTable): (name: string, where: string) => number {
  const find = new FindImage(truths)
  return (name, where) => {
    let place: number
    try {
      place = find.named(name)
    } catch (error) {
      throw error instanceof DataError ? new DataError(`${where}: ${error.message}`) : error
    }
    if (place >= 0) return place
    throw new DataError(`${where}: ${find.unknown(name)}`)
  }
}

/** The id of image `i` as its file has it; one beyond 2^53 as text, since JSON documents of ours hold plain numbers. */
export function shownImageId({ imageIds, givenImageIds }: TruthTable, i: number): number | string {
  const given = givenImageIds?.[i]
  return given === undefined ? imageIds[i]! : typeof given === "bigint" ? String(given) : given
}
