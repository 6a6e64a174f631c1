/** Thrown where the bytes at hand end before the value does: whoever reads appends more, and starts the value again. */
export const needMoreBytes = Symbol("need more bytes")

/** A window of bytes that slides over a file of any size, and what comes next in it. */
export class ByteWindow {
  /** Where the next byte to read lies in the window. */
  at = 0
  protected bytes = new Uint8Array(1 << 16)
  protected end = 0
  protected isFinal = false
  protected readonly decoder = new TextDecoder()
  #before = 0

  /** Drops what lies before `keepFrom`, and appends `chunk` (copied). */
  append(chunk: Uint8Array, keepFrom: number): void {
    const kept = this.end - keepFrom
    // One byte more than the window holds: a 0 that ends every number and string.
    if (kept + chunk.length + 1 > this.bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.bytes.length, kept + chunk.length + 1))
      larger.set(this.bytes.subarray(keepFrom, this.end))
      this.bytes = larger
    } else this.bytes.copyWithin(0, keepFrom, this.end)
    this.bytes.set(chunk, kept)
    this.#before += keepFrom
    this.end = kept + chunk.length
    this.bytes[this.end] = 0
    this.at = 0
  }

  /** Says that no more bytes come: from now on a value cut short is an error. */
  finish(): void {
    this.isFinal = true
  }

  /** Jumps over a byte order mark at the very start. */
  skipMark(): void {
    if (this.#before === 0 && this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf) this.at = 3
  }

  /** The next byte that is no white space, not yet taken; -1 at the end of the file. */
  peek(): number {
    const bytes = this.bytes
    while (this.at < this.end) {
      const byte = bytes[this.at]!
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte
      this.at++
    }
    if (this.isFinal) return -1
    throw needMoreBytes
  }

  /** Takes `byte` if it comes next. */
  takes(byte: number): boolean {
    if (this.peek() !== byte) return false
    this.at++
    return true
  }

  /** Takes these bytes, white space and all, if they come next. */
  takesAll(expected: Uint8Array): boolean {
    const bytes = this.bytes
    const at = this.at
    const length = expected.length
    if (at + length > this.end) return false
    for (let i = 0; i < length; i++) if (bytes[at + i] !== expected[i]) return false
    this.at = at + length
    return true
  }

  /** A copy of the bytes of the window from `from` to `to`. */
  copy(from: number, to: number): Uint8Array {
    return this.bytes.slice(from, to)
  }

  /** Where the scanner is in the file. */
  offset(): number {
    return this.#before + this.at
  }

  /** The bytes of the window from `from` to `to` as text, cut short when long. */
  between(from: number, to: number): string {
    const text = this.decoder.decode(this.bytes.subarray(from, Math.min(to, from + 60)))
    return to > from + 60 ? `${text}...` : text
  }

  /** The next bytes, as text. */
  protected excerpt(): string {
    return this.decoder.decode(this.bytes.subarray(this.at, Math.min(this.end, this.at + 12)))
  }

  /** The byte at hand, white space and all; -1 at the end of the file. */
  protected now(): number {
    if (this.at < this.end) return this.bytes[this.at]!
    if (this.isFinal) return -1
    throw needMoreBytes
  }
}
