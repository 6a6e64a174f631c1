import { needMoreBytes } from "./byte-window.js"
import { CLOSE_LIST, CLOSE_OBJECT, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE } from "./letters.js"
import { JsonScanner } from "./scanner.js"

/** Bytes in pieces of any size: a file stream of Node, a `Response.body`, or a list of arrays. */
export type ByteChunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface ListReader {
  /** The key of the list in the top-level object, or "" for a list that is the whole document. */
  readonly name: string
  /** The document may also be the elements themselves, one behind the other (JSON lines): if its first key is one of these. */
  readonly lines?: readonly string[]
  /** The key holds any value, which is read as a single element. */
  readonly single?: boolean
  /** Reads one element off the scanner. It may be called again for the same element, so it hands over only at its end. */
  readonly read: (scanner: JsonScanner, index: number) => void
}

type Place = "start" | "key or end" | "element or end" | "after element" | "after value" | "end"

/**
 * Walks through a JSON document whose top level is a list, or an object of lists, at the memory of a few elements: each
 * element of a known list goes to its reader, everything else is checked and forgotten.
 * @param expected what the document should be, for the error message
 * @returns the names of the known lists that were there
 * @throws DataError naming the byte where the JSON is broken
 */
export async function readJsonLists(
  chunks: ByteChunks,
  source: string,
  readers: readonly ListReader[],
  expected: string,
): Promise<Set<string>> {
  const walk = new Walk(source, readers, expected)
  for await (const chunk of chunks) walk.push(chunk)
  return walk.finish()
}

/** `readJsonLists` for bytes that are there at once, such as those of `readBytes`. */
export function readJsonListsSync(
  chunks: Iterable<Uint8Array>,
  source: string,
  readers: readonly ListReader[],
  expected: string,
): Set<string> {
  const walk = new Walk(source, readers, expected)
  for (const chunk of chunks) walk.push(chunk)
  return walk.finish()
}

class Walk {
  readonly #scanner: JsonScanner
  readonly #readers: readonly ListReader[]
  readonly #names: Uint8Array[]
  readonly #expected: string
  readonly #seen = new Set<string>()
  #place: Place = "start"
  #reader: ListReader | undefined
  #isLines = false
  #index = 0
  #mark = 0

  constructor(source: string, readers: readonly ListReader[], expected: string) {
    this.#scanner = new JsonScanner(source)
    this.#readers = readers
    this.#names = readers.map(({ name }) => new TextEncoder().encode(name))
    this.#expected = expected
  }

  push(chunk: Uint8Array): void {
    this.#scanner.append(chunk, this.#mark)
    this.#mark = 0
    this.#run()
  }

  finish(): Set<string> {
    this.#scanner.finish()
    this.#scanner.at = this.#mark
    this.#run()
    return this.#seen
  }

  #run(): void {
    try {
      while (this.#place !== "end" || this.#scanner.peek() !== -1) {
        this.#step()
        this.#mark = this.#scanner.at
      }
    } catch (error) {
      if (error !== needMoreBytes) throw error
    }
  }

  #step(): void {
    const scanner = this.#scanner
    switch (this.#place) {
      case "start":
        this.#start()
        return
      case "key or end":
        if (scanner.takes(CLOSE_OBJECT)) this.#place = "end"
        else this.#key()
        return
      case "element or end":
        if (this.#index === 0 && scanner.takes(CLOSE_LIST)) this.#closeList()
        else this.#element()
        return
      case "after element":
        if (this.#isLines) this.#place = scanner.peek() === -1 ? "end" : "element or end"
        else if (scanner.takes(COMMA)) this.#place = "element or end"
        else {
          if (!scanner.takes(CLOSE_LIST)) scanner.fail('expected "," or "]"')
          this.#closeList()
        }
        return
      case "after value":
        if (scanner.takes(COMMA)) this.#key()
        else {
          if (!scanner.takes(CLOSE_OBJECT)) scanner.fail('expected "," or "}"')
          this.#place = "end"
        }
        return
      case "end":
        scanner.fail("expected nothing more")
    }
  }

  #element(): void {
    if (this.#reader) this.#reader.read(this.#scanner, this.#index)
    else this.#scanner.skip()
    this.#index++
    this.#place = "after element"
  }

  #start(): void {
    const scanner = this.#scanner
    scanner.skipMark()
    const root = this.#readers.find(({ name }) => name === "")
    this.#index = 0
    const first = scanner.peek()
    const ofLines = first === OPEN_OBJECT ? this.#readerOfLines() : undefined
    if (ofLines !== undefined) {
      this.#reader = ofLines
      this.#isLines = true
      this.#seen.add("")
      this.#place = "element or end"
    } else if (root && first === OPEN_LIST) {
      this.#reader = root
      this.#seen.add("")
      this.#place = "element or end"
      scanner.at++
    } else if (first === OPEN_OBJECT && (!root || this.#readers.length > 1)) {
      this.#place = "key or end"
      scanner.at++
    } else scanner.refuse(this.#expected)
  }

  /** The reader of the lines that begin as this document does; nothing is taken. */
  #readerOfLines(): ListReader | undefined {
    if (!this.#readers.some(({ lines }) => lines !== undefined)) return undefined
    const start = this.#scanner.at++
    const key = this.#scanner.peek() === QUOTE ? this.#scanner.string() : ""
    this.#scanner.at = start
    return this.#readers.find(({ lines }) => lines?.includes(key))
  }

  #key(): void {
    const scanner = this.#scanner
    const found = scanner.key(this.#names)
    const isList = scanner.peek() === OPEN_LIST
    this.#index = 0
    if (found >= 0) {
      const reader = this.#readers[found]!
      if (reader.single) {
        reader.read(scanner, 0)
        this.#seen.add(reader.name)
        this.#place = "after value"
        return
      }
      if (!isList) scanner.fail(`expected "${reader.name}" to be a list`)
      this.#reader = reader
      this.#seen.add(reader.name)
    } else this.#reader = undefined
    if (isList) {
      scanner.at++
      this.#place = "element or end"
    } else {
      scanner.skip()
      this.#place = "after value"
    }
  }

  #closeList(): void {
    this.#place = this.#reader?.name === "" ? "end" : "after value"
  }
}
