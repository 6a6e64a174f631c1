import { closeSync, openSync, readSync } from "node:fs"
import { DataError } from "../src/tensor/errors.js"

const chunkBytes = 8 << 20
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openers = new Set([0x5b, 0x7b])
const closers = new Set([0x5d, 0x7d])
const openBracket = 0x5b

/** Takes each element of one top-level array with its position. */
export type ElementHandler = (element: unknown, index: number) => void

/**
 * Reads a JSON file whose top level is an object and hands over the elements of its top-level arrays in file order, a
 * few megabytes at a time. A file may be larger than the 512 MiB that `JSON.parse` can take.
 * @returns the names of the arrays that were found
 * @throws DataError when the file is not such an object, or ends early
 */
export function readTopLevelArrays(path: string, handlers: Readonly<Record<string, ElementHandler>>): Set<string> {
  const scanner = new ArrayScanner(path, handlers)
  const file = openSync(path, "r")
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes)
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      scanner.push(chunk.subarray(0, length))
    }
  } finally {
    closeSync(file)
  }
  scanner.end()
  return scanner.found
}

class ArrayScanner {
  readonly found = new Set<string>()
  readonly #path: string
  readonly #handlers: Readonly<Record<string, ElementHandler>>
  #depth = 0
  #inString = false
  #escaped = false
  #started = false
  /** The last text seen at depth 1: the key of what follows. */
  #key = ""
  #handler: ElementHandler | undefined
  #index = 0
  /** Bytes of the current array or key that were not used up by the chunk before. */
  #rest: Buffer = Buffer.alloc(0)

  constructor(path: string, handlers: Readonly<Record<string, ElementHandler>>) {
    this.#path = path
    this.#handlers = handlers
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let from = this.#handler !== undefined || (this.#depth === 1 && this.#inString) ? 0 : -1
    let lastComma = -1
    for (let i = this.#rest.length; i < bytes.length; i++) {
      const byte = bytes[i]!
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === backslash) this.#escaped = true
        else if (byte === quote) {
          this.#inString = false
          if (this.#depth === 1) {
            this.#key = bytes.toString("utf8", from, i)
            from = -1
          }
        }
      } else if (byte === quote) {
        this.#inString = true
        if (this.#depth === 1) from = i + 1
      } else if (openers.has(byte)) {
        this.#open(byte)
        if (this.#depth === 2 && this.#handler !== undefined) {
          from = i + 1
          lastComma = -1
        }
      } else if (closers.has(byte)) {
        this.#depth--
        if (this.#depth === 1 && this.#handler !== undefined) {
          this.#emit(bytes, from, i)
          this.#handler = undefined
          from = -1
        }
      } else if (byte === comma && this.#depth === 2 && this.#handler !== undefined) lastComma = i
    }
    if (this.#handler !== undefined && lastComma >= 0) {
      this.#emit(bytes, from, lastComma)
      from = lastComma + 1
    }
    this.#rest = from < 0 ? Buffer.alloc(0) : Buffer.from(bytes.subarray(from))
  }

  end(): void {
    if (this.#depth !== 0 || !this.#started) throw new DataError(`${this.#path}: the JSON ends early. Fetch it again`)
  }

  #open(byte: number): void {
    if (!this.#started && byte === openBracket) {
      throw new DataError(`${this.#path}: expected a JSON object with images, annotations and categories, got a list`)
    }
    this.#started = true
    this.#depth++
    if (this.#depth !== 2 || byte !== openBracket) return
    this.#handler = this.#handlers[this.#key]
    this.#index = 0
    if (this.#handler !== undefined) this.found.add(this.#key)
  }

  #emit(bytes: Buffer, from: number, to: number): void {
    let elements: unknown[]
    try {
      elements = JSON.parse(`[${bytes.toString("utf8", from, to)}]`)
    } catch (error) {
      throw new DataError(`${this.#path}: broken JSON in "${this.#key}": ${(error as Error).message.slice(0, 100)}`)
    }
    for (const element of elements) this.#handler!(element, this.#index++)
  }
}
