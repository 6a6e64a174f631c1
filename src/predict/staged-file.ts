import { appendFileSync, closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { UserError } from "../core/errors.js"
import { expectPlace, makeFolder, partBeside, WriteError } from "../core/write-whole.js"

/** Enough text at once that a write to the disk is worth it. */
const bufferSize = 1 << 16

/**
 * A text file that is written beside its place and put there whole by `finish`: whoever finds the file finds all of it.
 * No file handle is kept, so there may be one for every class.
 */
export class StagedFile {
  readonly path: string
  readonly #staged: string
  #waiting = ""

  /**
   * @param within the folder for all output: no link below it is followed
   * @throws UserError when it cannot be written
   */
  constructor(path: string, within?: string) {
    this.path = path
    this.#staged = partBeside(path)
    this.#attempt(() => {
      expectPlace(path)
      makeFolder(dirname(path), within)
      writeFileSync(this.#staged, "", { flag: "wx" })
    })
  }

  write(text: string): void {
    this.#waiting += text
    if (this.#waiting.length >= bufferSize) this.#flush()
  }

  finish(): void {
    this.#flush()
    this.#attempt(() => {
      const file = openSync(this.#staged, "r+")
      try {
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
      renameSync(this.#staged, this.path)
    })
  }

  /** Leaves nothing behind, and what was there before as it was. */
  discard(): void {
    rmSync(this.#staged, { force: true })
  }

  #flush(): void {
    this.#attempt(() => appendFileSync(this.#staged, this.#waiting))
    this.#waiting = ""
  }

  /** @throws UserError with the file's own name, not that of the part */
  #attempt(write: () => void): void {
    try {
      write()
    } catch (error) {
      throw error instanceof UserError ? error : new WriteError(this.path, error)
    }
  }
}
