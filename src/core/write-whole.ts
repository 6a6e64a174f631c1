import { randomUUID } from "node:crypto"
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import { dirname, join, relative, sep } from "node:path"
import { DataError, UserError } from "./errors.js"

export interface WriteOptions {
  /**
   * Whether the file has to survive a power cut. False for files that are made by the thousand and can be made again, as
   * waiting for the disk takes ten times as long as writing one.
   */
  readonly sync?: boolean
  /** The folder that the user named: no link below it is followed. */
  readonly within?: string
}

/** A file cannot be written, for a reason that lies with the disk, the folder or the name. */
export class WriteError extends UserError {
  override readonly name = "WriteError"
  /** The system's, such as `ENOSPC` or `ENAMETOOLONG`. */
  readonly code: string | undefined

  constructor(path: string, error: unknown) {
    const { code, message } = error as NodeJS.ErrnoException
    super(`${path}: cannot be written (${message})`)
    this.code = code
  }
}

/** What the system says of a name that a file cannot have, whatever else can be written there. */
const nameFaults: readonly (string | undefined)[] = ["ENAMETOOLONG", "EINVAL", "EILSEQ", "EISDIR", "ENOTDIR", "EEXIST"]

/** Whether a failure concerns one file alone: it has an impossible name, or its content cannot be made. */
export const isOfOneFile = (error: unknown): error is UserError =>
  error instanceof DataError || (error instanceof WriteError && nameFaults.includes(error.code))

/**
 * Writes a file beside its place, under a name that nobody can foresee, and renames it: nobody ever sees half of it, and
 * nothing is written through a link of its name. Makes the folder if need be.
 * @param content pieces are asked for one by one
 * @throws WriteError when it cannot be written; what was there before is then as it was
 */
export function writeWhole(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
  { sync = true, within }: WriteOptions = {},
): void {
  const folder = dirname(path)
  const beside = partBeside(path)
  let isThere = false
  try {
    makeFolder(folder, within)
    // Exclusively: a link that lies in wait is not followed.
    const file = openSync(beside, "wx")
    isThere = true
    try {
      for (const piece of piecesOf(content)) writeFully(file, piece)
      if (sync) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
    if (sync) syncFolder(folder)
  } catch (error) {
    if (isThere) rmSync(beside, { force: true })
    throw error instanceof UserError ? error : new WriteError(path, error)
  }
}

/** Where a file is written before it is whole: in the same folder, and no longer than any name may be. */
export const partBeside = (path: string): string => join(dirname(path), `.${randomUUID().slice(0, 13)}.part`)

/** Removes what processes that were killed had begun to write in a folder and those below it; links are not followed. */
export function removeParts(folder: string): void {
  const waiting = existsSync(folder) ? [folder] : []
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const entries = opendirSync(next)
    try {
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
        const path = join(next, entry.name)
        if (entry.isDirectory()) waiting.push(path)
        else if (/^\.[\da-f-]{13}\.part$/.test(entry.name)) rmSync(path, { force: true })
      }
    } finally {
      entries.closeSync()
    }
  }
}

/** Makes a folder and those above it; none between `within` and it may be a link. @throws UserError naming the link */
export function makeFolder(folder: string, within?: string): void {
  if (within !== undefined) {
    let inner = within
    for (const step of relative(within, folder).split(sep).filter(Boolean)) {
      inner = join(inner, step)
      if (lstatSync(inner, { throwIfNoEntry: false })?.isSymbolicLink()) {
        throw new UserError(
          `${inner} is a link, and nothing is written through links. Remove it or choose another folder`,
        )
      }
    }
  }
  mkdirSync(folder, { recursive: true })
}

/** What a folder holds survives a power cut only once the folder itself is on the disk. Windows has no such thing. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return
  const opened = openSync(folder, "r")
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}

function piecesOf(content: string | Uint8Array | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof content === "string") return [Buffer.from(content)]
  return content instanceof Uint8Array ? [content] : content
}

/** All of it: a disk that is nearly full takes a part without an error. */
export function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}
