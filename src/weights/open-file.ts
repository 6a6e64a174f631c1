import { closeSync, readSync } from "node:fs"
import { DataError } from "../core/errors.js"
import { NoFileError, openRegular } from "../core/regular-file.js"

/** Most that one call of the system reads. */
const CHUNK = 2 ** 30

/** The path of a weights file, or all of its bytes. */
export type WeightsSource = string | Uint8Array

/** What a weights file is called in messages. */
export const nameOfWeights = (source: WeightsSource): string =>
  typeof source === "string" ? source : `weights of ${source.length} bytes`

/** A file that has been opened once and is read piece by piece, until it is closed; or one that is in memory. */
export class OpenFile {
  /** What messages call it, where it is in memory. */
  readonly path: string
  /** Bytes. */
  readonly size: number
  #file: number | Uint8Array | undefined

  /** @throws DataError for a path where no file can be read */
  constructor(source: WeightsSource) {
    this.path = nameOfWeights(source)
    const { file, size } = typeof source === "string" ? open(source) : { file: source, size: source.length }
    this.#file = file
    this.size = size
  }

  /** @throws DataError where the file ends before `position + length` */
  read(position: number, length: number): Buffer {
    if (this.#file === undefined) throw new Error(`OpenFile.read: ${this.path} has been closed`)
    if (position + length > this.size) throw new DataError(`${this.path}: ends early`)
    const bytes = Buffer.allocUnsafeSlow(length)
    if (typeof this.#file !== "number") {
      bytes.set(this.#file.subarray(position, position + length))
      return bytes
    }
    for (let done = 0; done < length; ) {
      const count = readSync(this.#file, bytes, done, Math.min(length - done, CHUNK), position + done)
      if (count === 0) throw new DataError(`${this.path}: ends early`)
      done += count
    }
    return bytes
  }

  close(): void {
    if (typeof this.#file === "number") closeSync(this.#file)
    this.#file = undefined
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

function open(path: string): ReturnType<typeof openRegular> {
  try {
    return openRegular(path)
  } catch (error) {
    if (error instanceof NoFileError) throw new DataError(`${path}: not a file`)
    const { code, message } = error as NodeJS.ErrnoException
    throw new DataError(code === "ENOENT" ? `${path}: no such file` : `${path}: cannot be read (${message})`)
  }
}
