import { DataError } from "../core/errors.js"
import { numberInName } from "../core/number-in-name.js"
import { didYouMean } from "../core/suggest.js"
import { type CocoId, idKey } from "../json/coco-id.js"
import { IdIndex } from "./id-index.js"
import { NameIndex, SEVERAL, stemOf } from "./name-index.js"
import type { TruthTable } from "./tables.js"

/** `images/000042.jpg` without folder and ending: `000042`. */
const imageStem = (name: string) => stemOf(name.replace(/^.*[\\/]/, ""))

/** The number in an image's name, with or without folder and ending. */
export const imageNumber = (name: string): number => numberInName(imageStem(name))

/** Finds the images of a truth table by what one result file, or files that belong together, call them. */
export class FindImage {
  readonly #truths: TruthTable
  /** Places by id, where all ids are plain numbers. */
  readonly #plain: IdIndex | undefined
  /** Places by id key, where some are not. */
  readonly #given: ReadonlyMap<number | string, number> | undefined
  #names: NameIndex | undefined
  /** What was looked for by name, and the first name of each image that was found. */
  readonly #places = new Map<string, number>()
  readonly #firstNames = new Map<number, string>()
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
   * @throws DataError when it is the name of several, or another name was found to be the same image's
   */
  meant(id: CocoId): number {
    const key = idKey(id)
    const place = typeof key === "number" ? this.numbered(key) : (this.#given?.get(key) ?? -1)
    return place >= 0 || typeof id !== "string" ? place : this.named(id)
  }

  /**
   * Place of the image of this name, with or without folder and ending; -1 for none. Folders that contradict the image's make
   * another.
   * @throws DataError when it is the name of several, or another name was found to be the same image's
   */
  named(name: string): number {
    const known = this.#places.get(name)
    if (known !== undefined) return known
    this.#names ??= new NameIndex(this.#truths.imageNames)
    const place = this.#names.place(name)
    if (place === SEVERAL) this.#several(`"${name}"`, (other) => new NameIndex([other]).place(name) === 0)
    if (place >= 0) this.#expectOne(place, name)
    this.#places.set(name, place)
    return place
  }

  /** What to say of a name that no image has. */
  unknown(name: string): string {
    const names = this.#truths.imageNames
    const known = `image "${name}" is not among the ${names.length} images of the ground truth.`
    const stem = imageStem(name)
    const elsewhere = names.find((other) => imageStem(other) === stem)
    if (elsewhere !== undefined) return `${known} "${elsewhere}" has other folders.`
    return `${known}${didYouMean(stem, names.slice(0, 1000).map(imageStem))}`
  }

  /** Of two photos one would count for the other. */
  #expectOne(place: number, name: string): void {
    const first = this.#firstNames.get(place)
    if (first === undefined) {
      this.#firstNames.set(place, name)
      return
    }
    throw new DataError(
      `"${first}" and "${name}" would both be "${this.#truths.imageNames[place]}" of the ground truth: leave out the one that it` +
        " is not",
    )
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
    const place = toldWhere(where, () => find.named(name))
    if (place >= 0) return place
    throw new DataError(`${where}: ${find.unknown(name)}`)
  }
}

/** What `find` gives; its DataError gets `where` in front. */
export function toldWhere<Result>(where: string, find: () => Result): Result {
  try {
    return find()
  } catch (error) {
    throw error instanceof DataError ? new DataError(`${where}: ${error.message}`) : error
  }
}

/** The id of image `i` as its file has it; one beyond 2^53 as text, since JSON documents of ours hold plain numbers. */
export function shownImageId({ imageIds, givenImageIds }: TruthTable, i: number): number | string {
  const given = givenImageIds?.[i]
  return given === undefined ? imageIds[i]! : typeof given === "bigint" ? String(given) : given
}
