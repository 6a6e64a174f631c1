import { DataError } from "../core/errors.js"
import { ByteWindow, needMoreBytes } from "./byte-window.js"
import { decimalValue } from "./decimal.js"
import { foreignKind, foreignNotation } from "./foreign.js"
import { CLOSE_LIST, CLOSE_OBJECT, COLON, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE } from "./letters.js"

const PLUS = 0x2b
const MINUS = 0x2d
const POINT = 0x2e
const BACKSLASH = 0x5c
const MOST_NESTED = 500
const LITERALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  null: null,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
}

/**
 * Reads JSON values off the front of a window of bytes that slides over a file of any size. Strict, but for Python's
 * NaN and Infinity, which are read as numbers so that the record that holds them can be named. Numbers are the doubles
 * that JSON.parse gives. Whoever calls it catches `needMoreBytes`, appends and starts the value again.
 */
export class JsonScanner extends ByteWindow {
  readonly #source: string
  readonly #value = new Float64Array(1)

  /** @param source what errors call the file */
  constructor(source: string) {
    super()
    this.#source = source
  }

  /** @throws DataError when something else comes next */
  expect(byte: number): void {
    if (!this.takes(byte)) this.fail(`expected "${String.fromCharCode(byte)}"`)
  }

  /** Takes a key and its colon, and says which of `known` it is (as UTF-8), else -1. */
  key(known: readonly Uint8Array[]): number {
    const start = this.#string()
    const end = this.at - 1
    const bytes = this.bytes
    let found = -1
    for (let k = 0; k < known.length && found < 0; k++) {
      const name = known[k]!
      if (name.length !== end - start) continue
      let i = 0
      while (i < name.length && name[i] === bytes[start + i]) i++
      if (i === name.length) found = k
    }
    if (found < 0 && bytes.subarray(start, end).includes(BACKSLASH)) {
      const name = new TextEncoder().encode(this.#decode(start, end))
      found = known.findIndex((one) => one.length === name.length && one.every((byte, i) => byte === name[i]))
    }
    this.expect(COLON)
    return found
  }

  /** Takes a string. @throws DataError when something else comes next */
  string(): string {
    const start = this.#string()
    return this.#decode(start, this.at - 1)
  }

  /** Takes a number; undefined, with nothing taken, when something else comes next. */
  number(): number | undefined {
    const first = this.peek()
    if (this.plainNumber(this.#value, 0)) return this.#value[0]!
    const start = this.at
    if (first === 0x4e || first === 0x49) return this.#literal() as number
    if (first !== MINUS && !isDigit(first)) return undefined
    if (first === MINUS) {
      this.at++
      if (this.now() === 0x49) {
        this.at = start
        return this.#literal() as number
      }
    }
    const leading = this.now()
    if (this.#digits() > 1 && leading === 0x30) this.fail("expected no digit after a leading 0")
    if (this.now() === POINT) {
      this.at++
      this.#digits()
    }
    if ((this.now() | 0x20) === 0x65) {
      this.at++
      const sign = this.now()
      if (sign === PLUS || sign === MINUS) this.at++
      this.#digits()
    }
    return Number(this.decoder.decode(this.bytes.subarray(start, this.at)))
  }

  /**
   * Takes the number right here into `out[place]` where that is quick: it ends within the window and a few operations
   * give its double. False, with nothing taken, leaves it to `number`.
   */
  plainNumber(out: Float64Array, place: number): boolean {
    const bytes = this.bytes
    let at = this.at
    const negative = bytes[at] === MINUS
    if (negative) at++
    let leading = 0
    let trailing = 0
    let significant = 0
    let digit = bytes[at]! - 0x30
    const wholeFrom = at
    const startsWithZero = digit === 0
    while (digit >= 0 && digit <= 9) {
      if (significant < 9) leading = leading * 10 + digit
      else if (significant < 18) trailing = trailing * 10 + digit
      if (leading > 0) significant++
      digit = bytes[++at]! - 0x30
    }
    if (at === wholeFrom || (startsWithZero && at > wholeFrom + 1)) return false
    let exponent = 0
    if (bytes[at] === POINT) {
      const from = ++at
      digit = bytes[at]! - 0x30
      while (digit >= 0 && digit <= 9) {
        if (significant < 9) leading = leading * 10 + digit
        else if (significant < 18) trailing = trailing * 10 + digit
        if (leading > 0) significant++
        digit = bytes[++at]! - 0x30
      }
      if (at === from) return false
      exponent = from - at
    }
    if ((bytes[at]! | 0x20) === 0x65) {
      const sign = bytes[++at]
      if (sign === PLUS || sign === MINUS) at++
      const from = at
      let power = 0
      digit = bytes[at]! - 0x30
      while (digit >= 0 && digit <= 9) {
        power = Math.min(9999, power * 10 + digit)
        digit = bytes[++at]! - 0x30
      }
      if (at === from) return false
      exponent += sign === MINUS ? -power : power
    }
    if (at >= this.end || significant > 18) return false
    const value = decimalValue(leading, trailing, significant > 9 ? significant - 9 : 0, exponent)
    if (Number.isNaN(value)) return false
    out[place] = negative ? -value : value
    this.at = at
    return true
  }

  /** Takes any value and forgets it. */
  skip(depth = 0): void {
    const byte = this.peek()
    if (byte === QUOTE) this.#string()
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (depth > MOST_NESTED) this.fail(`expected at most ${MOST_NESTED} levels`)
      this.at++
      const close = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST
      if (byte === OPEN_LIST) this.#skipPlainNumbers()
      if (this.takes(close)) return
      do {
        if (byte === OPEN_OBJECT) {
          this.#string()
          this.expect(COLON)
        }
        this.skip(depth + 1)
      } while (this.takes(COMMA))
      this.expect(close)
    } else if (this.number() === undefined) this.#literal()
  }

  /** Takes any value as `JSON.parse` gives it. */
  value(): unknown {
    this.peek()
    const start = this.at
    this.skip()
    try {
      return JSON.parse(this.decoder.decode(this.bytes.subarray(start, this.at)))
    } catch {
      this.at = start
      return this.fail("expected JSON without NaN, Infinity and broken escapes")
    }
  }

  /** Takes the numbers at the front of a list up to the last that a comma follows: polygons are most of many files. */
  #skipPlainNumbers(): void {
    const bytes = this.bytes
    let at = this.at
    for (;;) {
      while (bytes[at] === 0x20) at++
      if (bytes[at] === MINUS) at++
      const from = at
      while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
      if (at === from || (bytes[from] === 0x30 && at > from + 1)) return
      if (bytes[at] === POINT) {
        const decimals = ++at
        while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++
        if (at === decimals) return
      }
      if (bytes[at] !== COMMA || at >= this.end) return
      this.at = ++at
    }
  }

  /** Takes true, false or null; undefined, with nothing taken, when something else comes next. */
  flag(): boolean | null | undefined {
    const byte = this.peek()
    return byte === 0x74 || byte === 0x66 || byte === 0x6e ? (this.#literal() as boolean | null) : undefined
  }

  /** @throws DataError naming the file and the byte */
  fail(rule: string): never {
    const hint = foreignNotation(this.bytes.subarray(this.at, this.end))
    const found = this.at >= this.end ? "the file ends" : `got ${JSON.stringify(this.excerpt())}`
    throw new DataError(`${this.#source}: broken JSON at byte ${this.offset()}: ${rule}, ${found}${hint}`)
  }

  /**
   * Refuses a document for what it is, at its first byte.
   * @throws DataError naming the file, what was expected and what the bytes look like
   */
  refuse(expected: string): never {
    if (this.at >= this.end) throw new DataError(`${this.#source}: expected ${expected}, got an empty file`)
    const kind = foreignKind(this.bytes.subarray(this.at, this.end))
    throw new DataError(`${this.#source}: expected ${expected}, got ${kind ?? JSON.stringify(this.excerpt())}`)
  }

  /** Takes one digit or more and says how many. */
  #digits(): number {
    const start = this.at
    while (isDigit(this.now())) this.at++
    if (this.at === start) this.fail("expected a digit")
    return this.at - start
  }

  /** Takes a string; it lies from the returned place up to the closing quote at `at - 1`. */
  #string(): number {
    if (this.peek() !== QUOTE) this.fail("expected a string")
    const bytes = this.bytes
    const start = ++this.at
    while (this.at < this.end) {
      const byte = bytes[this.at]!
      if (byte === QUOTE) {
        this.at++
        return start
      }
      if (byte < 0x20) this.fail("expected no control character in a string")
      this.at += byte === BACKSLASH ? 2 : 1
    }
    this.at = this.end
    if (this.isFinal) this.fail("expected the string to be closed")
    throw needMoreBytes
  }

  #decode(start: number, end: number): string {
    const text = this.decoder.decode(this.bytes.subarray(start, end))
    if (!text.includes("\\")) return text
    try {
      return JSON.parse(`"${text}"`) as string
    } catch {
      this.at = start
      return this.fail("expected a valid escape in the string")
    }
  }

  #literal(): unknown {
    const start = this.at
    let at = start
    while (at < this.end && isLetter(this.bytes[at]!)) at++
    if (at === this.end && !this.isFinal) throw needMoreBytes
    const word = this.decoder.decode(this.bytes.subarray(start, at))
    if (!Object.hasOwn(LITERALS, word)) this.fail("expected a value")
    this.at = at
    return LITERALS[word]
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function isLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === MINUS
}
