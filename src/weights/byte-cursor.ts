/** Takes pieces off the front of bytes. */
export class ByteCursor {
  /** Of the next byte. */
  at: number
  readonly #bytes: Buffer

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
  }

  /** The next `count` bytes, as a view. @throws RangeError where there are fewer */
  take(count: number): Buffer {
    if (this.at + count > this.#bytes.length) throw new RangeError("cut off")
    this.at += count
    return this.#bytes.subarray(this.at - count, this.at)
  }

  byte(): number {
    return this.take(1)[0]!
  }

  /** A length of 1, 2, 4 or 8 bytes, little-endian. */
  length(size: 1 | 2 | 4 | 8): number {
    const bytes = this.take(size)
    return size === 8 ? Number(bytes.readBigUInt64LE()) : bytes.readUIntLE(0, size)
  }

  utf8(length: number): string {
    return this.take(length).toString("utf8")
  }

  /** The text up to the next line break, which is taken too. */
  line(coding: "utf8" | "latin1" = "utf8"): string {
    const end = this.#bytes.indexOf(10, this.at)
    if (end < 0) throw new RangeError("cut off")
    const text = this.take(end - this.at).toString(coding)
    this.at++
    return text
  }
}
