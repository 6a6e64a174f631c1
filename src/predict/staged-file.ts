import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"

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

  constructor(path: string) {
    this.path = path
    this.#staged = stagedPath(path)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(this.#staged, "")
  }

  write(text: string): void {
    this.#waiting += text
    if (this.#waiting.length >= bufferSize) this.#flush()
  }

  finish(): void {
    this.#flush()
    renameSync(this.#staged, this.path)
  }

  /** Leaves nothing behind, and what was there before as it was. */
  discard(): void {
    rmSync(this.#staged, { force: true })
  }

  #flush(): void {
    appendFileSync(this.#staged, this.#waiting)
    this.#waiting = ""
  }
}

function stagedPath(path: string): string {
  return `${path}.partial`
}
