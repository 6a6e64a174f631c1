import { DataError } from "../tensor/errors.js"
import type { JsonScanner } from "./json-scanner.js"

const COMMA = 0x2c
const CLOSE_LIST = 0x5d
const OPEN_LIST = 0x5b
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * What a field of a record holds: `number` any number, `whole` a whole number, `flag` 0, 1, true or false,
 * `box` four numbers, `text` a string. A field that may be absent ends in `?`.
 */
type Kind = "number" | "whole" | "flag" | "box" | "text"
export type Field = readonly [name: string, kind: Kind | `${Kind}?`]

const RULES: Readonly<Record<Kind, string>> = {
  number: "a number",
  whole: "a whole number",
  flag: "0 or 1",
  box: "four numbers",
  text: "a string",
}

/** Reads records of known fields straight off the bytes, without making an object a record. */
export class RecordReader {
  /** Values of the record read last, field by field; a box has four places. Absent fields are undefined in `present`. */
  readonly numbers: Float64Array
  readonly texts: string[]
  readonly present: Uint8Array
  /** Where each field begins in `numbers`. */
  readonly places: readonly number[]
  readonly #names: readonly Uint8Array[]
  readonly #fields: readonly { name: string; kind: Kind; needed: boolean }[]
  readonly #where: (index: number) => string

  /** @param where what errors call record number `index` */
  constructor(fields: readonly Field[], where: (index: number) => string) {
    this.#fields = fields.map(([name, kind]) => ({
      name,
      kind: kind.replace("?", "") as Kind,
      needed: !kind.endsWith("?"),
    }))
    this.#names = fields.map(([name]) => new TextEncoder().encode(name))
    let place = 0
    this.places = this.#fields.map(({ kind }) => {
      const first = place
      place += kind === "box" ? 4 : 1
      return first
    })
    this.numbers = new Float64Array(place)
    this.texts = this.#fields.map(() => "")
    this.present = new Uint8Array(fields.length)
    this.#where = where
  }

  /** @throws DataError naming the record for an absent field or one of the wrong type */
  read(scanner: JsonScanner, index: number): void {
    const start = scanner.offset()
    if (!scanner.takes(OPEN_OBJECT)) {
      scanner.skip()
      throw new DataError(`${this.#where(index)} (byte ${start}): expected an object`)
    }
    this.present.fill(0)
    if (!scanner.takes(CLOSE_OBJECT)) {
      do {
        const field = scanner.key(this.#names)
        if (field < 0) scanner.skip()
        else this.#readField(scanner, field, index)
      } while (scanner.takes(COMMA))
      scanner.expect(CLOSE_OBJECT)
    }
    for (let f = 0; f < this.#fields.length; f++) {
      if (this.present[f] === 0 && this.#fields[f]!.needed) {
        throw new DataError(
          `${this.#where(index)} (byte ${start}): expected a field "${this.#fields[f]!.name}", got none`,
        )
      }
    }
  }

  /** A number of the record read last, or undefined where the field is absent. */
  optional(field: number): number | undefined {
    return this.present[field] === 1 ? this.numbers[this.places[field]!] : undefined
  }

  #readField(scanner: JsonScanner, field: number, index: number): void {
    const { kind, needed } = this.#fields[field]!
    const at = scanner.at
    const place = this.places[field]!
    let fits: boolean
    if (kind === "text") {
      fits = scanner.peek() === 0x22
      if (fits) this.texts[field] = scanner.string()
    } else if (kind === "box") fits = this.#readBox(scanner, place)
    else {
      const flag = kind === "flag" ? scanner.flag() : undefined
      const value = typeof flag === "boolean" ? Number(flag) : flag === null ? 0 : scanner.number()
      fits = value !== undefined && (kind !== "whole" || Number.isSafeInteger(value))
      if (fits) this.numbers[place] = value as number
    }
    if (fits) {
      this.present[field] = 1
      return
    }
    scanner.at = at
    if (!needed && scanner.flag() === null) return
    this.#refuse(scanner, field, index, at)
  }

  #readBox(scanner: JsonScanner, place: number): boolean {
    if (!scanner.takes(OPEN_LIST)) return false
    for (let i = 0; i < 4; i++) {
      if (i > 0 && !scanner.takes(COMMA)) return false
      const value = scanner.number()
      if (value === undefined) return false
      this.numbers[place + i] = value
    }
    return scanner.takes(CLOSE_LIST)
  }

  #refuse(scanner: JsonScanner, field: number, index: number, at: number): never {
    const { name, kind } = this.#fields[field]!
    scanner.at = at
    scanner.peek()
    const offset = scanner.offset()
    const from = scanner.at
    scanner.skip()
    const got = scanner.between(from, scanner.at)
    throw new DataError(`${this.#where(index)} (byte ${offset}): expected ${name} to be ${RULES[kind]}, got ${got}`)
  }
}
