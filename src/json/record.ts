import type { CocoId } from "./coco-id.js"
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE } from "./letters.js"
import { outlineExtent } from "./outline.js"
import { type Field, type Kind, type ParsedField, parsedField, RecordError, RULES } from "./record-field.js"
import { flagOrNumber, idsOrNothing, quotedOrNumber, textOrNothing } from "./record-values.js"
import type { JsonScanner } from "./scanner.js"

/** What stands where a value is, in the spelling of a record: a place in `numbers` from 0 on, or one of these. */
const SKIPPED = -1
const FIRST_OTHER = -2

/** How a record was spelt: its bytes between the values, and what the values are. */
interface Spelling {
  readonly between: readonly Uint8Array[]
  readonly slots: readonly number[]
  readonly present: Uint8Array
}

/**
 * Reads records of known fields straight off the bytes, without making an object a record. Most files spell one record
 * like the one before: then the bytes between the values are compared and only the values read.
 */
export class RecordReader {
  /**
   * Values of the record read last, field by field; a box has four places. Absent fields are undefined in `present`. An id
   * that is no safe integer is NaN here: `id` has it.
   */
  readonly numbers: Float64Array
  readonly texts: string[]
  readonly lists: number[][]
  readonly present: Uint8Array
  /** Whether the box of the record read last is that of its outline. */
  isOutlined = false
  /** Where each field begins in `numbers`. */
  readonly places: readonly number[]
  readonly #names: readonly Uint8Array[]
  readonly #fields: readonly ParsedField[]
  readonly #where: (index: number) => string
  readonly #isFlag: Uint8Array
  readonly #isId: Uint8Array
  readonly #box: number
  readonly #outline: number
  /** By field: ids that are no numbers. */
  readonly #foreign: (bigint | string)[]
  /** Where the values of the record at hand lie in the window: from, to, slot. */
  #values: number[] = []
  /** A field of the record at hand counts as absent for what it holds: the next one may be right. */
  #isOdd = false
  #spelling: Spelling | undefined

  /** @param where what errors call record number `index` */
  constructor(fields: readonly Field[], where: (index: number) => string) {
    this.#fields = fields.map(parsedField)
    this.#names = fields.map(([name]) => new TextEncoder().encode(name))
    let place = 0
    this.places = this.#fields.map(({ kind }) => {
      const first = place
      place += kind === "box" ? 4 : 1
      return first
    })
    this.numbers = new Float64Array(place)
    this.texts = this.#fields.map(() => "")
    this.lists = this.#fields.map(() => [])
    this.present = new Uint8Array(fields.length)
    this.#where = where
    const kinds = this.#fields.flatMap(({ kind }) => (kind === "box" ? Array<Kind>(4).fill(kind) : [kind]))
    this.#isFlag = Uint8Array.from(kinds, (kind) => Number(kind === "flag"))
    this.#isId = Uint8Array.from(kinds, (kind) => Number(kind === "id"))
    this.#foreign = this.#fields.map(() => "")
    this.#box = this.#fields.findIndex(({ kind }) => kind === "box")
    this.#outline = this.#fields.findIndex(({ kind }) => kind === "outline")
  }

  /**
   * @throws RecordError naming the record for an absent field or one of the wrong type
   * @throws DataError naming the byte of broken JSON
   */
  read(scanner: JsonScanner, index: number): void {
    if (this.#readAlike(scanner)) return
    const start = scanner.offset()
    if (!scanner.takes(OPEN_OBJECT)) {
      scanner.skip()
      throw new RecordError(this.#where(index), start, "expected an object")
    }
    const from = scanner.at - 1
    this.present.fill(0)
    this.#values = []
    this.#isOdd = false
    if (!scanner.takes(CLOSE_OBJECT)) {
      do {
        const field = scanner.key(this.#names)
        if (field < 0) this.#note(scanner, SKIPPED, () => scanner.skip())
        else this.#readField(scanner, field, index)
      } while (scanner.takes(COMMA))
      scanner.expect(CLOSE_OBJECT)
    }
    const hasBox = this.#completeBox(scanner)
    for (let f = 0; f < this.#fields.length; f++) {
      if (this.present[f] === 0 && this.#fields[f]!.needed && !(hasBox && f === this.#box)) {
        throw new RecordError(this.#where(index), start, `expected a field "${this.#fields[f]!.name}", got none`)
      }
    }
    if (!this.#isOdd) this.#learn(scanner, from)
  }

  /** A number of the record read last, or undefined where the field is absent. */
  optional(field: number): number | undefined {
    return this.present[field] === 1 ? this.numbers[this.places[field]!] : undefined
  }

  /** A text of the record read last, or undefined where the field is absent. */
  text(field: number): string | undefined {
    return this.present[field] === 1 ? this.texts[field] : undefined
  }

  /** The id in a field of the record read last, as it stands in the file. */
  id(field: number): CocoId {
    const value = this.numbers[this.places[field]!]!
    return Number.isNaN(value) ? this.#foreign[field]! : value
  }

  #readField(scanner: JsonScanner, field: number, index: number): void {
    const { name, kind, needed, lenient } = this.#fields[field]!
    if (this.present[field] === 1) {
      // Two records that ran into one: taking either value would be a guess.
      throw new RecordError(this.#where(index), scanner.offset(), `the field "${name}" is in it twice`)
    }
    const at = scanner.at
    const place = this.places[field]!
    let fits: boolean
    if (kind === "text" || kind === "ids" || kind === "outline") {
      fits = this.#note(scanner, FIRST_OTHER - field, () => this.#readOther(scanner, field))
    } else if (kind === "box") fits = this.#readBox(scanner, place)
    else if (kind === "id") fits = this.#note(scanner, place, () => this.#readId(scanner, field))
    else {
      const value = this.#note(scanner, place, () =>
        kind === "flag" ? flagOrNumber(scanner) : quotedOrNumber(scanner),
      )
      fits = value !== undefined
      if (fits) this.numbers[place] = value as number
    }
    if (fits) {
      this.present[field] = 1
      return
    }
    scanner.at = at
    while (this.#values.length > 0 && this.#values[this.#values.length - 3]! >= at) this.#values.length -= 3
    if ((!needed && scanner.flag() === null) || (kind === "box" && this.#takesNoBox(scanner, at))) return
    if (!lenient) this.#refuse(scanner, field, index, at)
    scanner.skip()
    this.#isOdd = true
  }

  /** Reads a whole number of any size or a text; false for anything else. */
  #readId(scanner: JsonScanner, field: number): boolean {
    const place = this.places[field]!
    if (scanner.peek() === QUOTE) {
      this.#foreign[field] = scanner.string()
      this.numbers[place] = Number.NaN
      return true
    }
    const from = scanner.at
    const value = scanner.number()
    if (value === undefined) return false
    this.numbers[place] = value
    if (Number.isSafeInteger(value)) return true
    const digits = scanner.between(from, scanner.at)
    if (!/^-?\d+$/.test(digits)) return false
    this.#foreign[field] = BigInt(digits)
    this.numbers[place] = Number.NaN
    return true
  }

  #readBox(scanner: JsonScanner, place: number): boolean {
    if (!scanner.takes(OPEN_LIST)) return false
    for (let i = 0; i < 4; i++) {
      if (i > 0 && !scanner.takes(COMMA)) return false
      const value = this.#note(scanner, place + i, () => quotedOrNumber(scanner))
      if (value === undefined) return false
      this.numbers[place + i] = value
    }
    return scanner.takes(CLOSE_LIST)
  }

  /** Takes null or an empty list where there may be an outline instead of a box. */
  #takesNoBox(scanner: JsonScanner, at: number): boolean {
    if (this.#outline < 0) return false
    if (scanner.flag() === null || (scanner.takes(OPEN_LIST) && scanner.takes(CLOSE_LIST))) return true
    scanner.at = at
    return false
  }

  /** Makes the box of the record just read its outline's where it has no other; false for one without both. */
  #completeBox(scanner: JsonScanner): boolean {
    this.isOutlined = false
    if (this.#box < 0 || this.present[this.#box] === 1) return true
    if (this.#outline < 0 || this.present[this.#outline] === 0) return false
    const end = scanner.at
    scanner.at = this.lists[this.#outline]![0]!
    const extent = outlineExtent(scanner.value())
    scanner.at = end
    if (extent === undefined) return false
    this.numbers.set(extent, this.places[this.#box]!)
    this.isOutlined = true
    return true
  }

  /** Reads a text or a list, or keeps where an outline lies; false where something else comes next. */
  #readOther(scanner: JsonScanner, field: number): boolean {
    if (this.#fields[field]!.kind === "outline") {
      scanner.peek()
      this.lists[field]![0] = scanner.at
      scanner.skip()
      return true
    }
    if (this.#fields[field]!.kind === "text") {
      const text = textOrNothing(scanner)
      if (text === undefined) return false
      this.texts[field] = text
      return true
    }
    const ids = idsOrNothing(scanner)
    if (ids === undefined) return false
    this.lists[field] = ids
    return true
  }

  /** Reads a value and keeps where it lay. */
  #note<T>(scanner: JsonScanner, slot: number, read: () => T): T {
    scanner.peek()
    const from = scanner.at
    const value = read()
    this.#values.push(from, scanner.at, slot)
    return value
  }

  #learn(scanner: JsonScanner, from: number): void {
    const between: Uint8Array[] = []
    const slots: number[] = []
    let at = from
    for (let v = 0; v < this.#values.length; v += 3) {
      between.push(scanner.copy(at, this.#values[v]!))
      slots.push(this.#values[v + 2]!)
      at = this.#values[v + 1]!
    }
    between.push(scanner.copy(at, scanner.at))
    this.#spelling = { between, slots, present: this.present.slice() }
  }

  /** Reads a record that is spelt like the last one; false, with nothing taken, when it is not. */
  #readAlike(scanner: JsonScanner): boolean {
    if (this.#spelling === undefined || scanner.peek() !== OPEN_OBJECT) return false
    const { between, slots, present } = this.#spelling
    const start = scanner.at
    for (let s = 0; s < slots.length; s++) {
      if (!scanner.takesAll(between[s]!) || !this.#readSlot(scanner, slots[s]!)) {
        scanner.at = start
        return false
      }
    }
    if (!scanner.takesAll(between[slots.length]!)) {
      scanner.at = start
      return false
    }
    this.present.set(present)
    if (this.#completeBox(scanner)) return true
    scanner.at = start
    return false
  }

  #readSlot(scanner: JsonScanner, slot: number): boolean {
    if (slot >= 0) {
      if (!scanner.plainNumber(this.numbers, slot)) {
        const flag = this.#isFlag[slot] === 1 ? scanner.flag() : undefined
        if (flag === undefined) return false
        this.numbers[slot] = Number(flag)
      }
      return this.#isId[slot] === 0 || Number.isSafeInteger(this.numbers[slot])
    }
    if (slot !== SKIPPED) return this.#readOther(scanner, FIRST_OTHER - slot)
    scanner.skip()
    return true
  }

  #refuse(scanner: JsonScanner, field: number, index: number, at: number): never {
    const { name, kind } = this.#fields[field]!
    scanner.at = at
    scanner.peek()
    const offset = scanner.offset()
    const from = scanner.at
    scanner.skip()
    const got = scanner.between(from, scanner.at)
    throw new RecordError(this.#where(index), offset, `expected ${name} to be ${RULES[kind]}, got ${got}`)
  }
}
