import { randomUUID } from "node:crypto"
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs"
import { dirname, join, relative, resolve, sep } from "node:path"
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
    super(`${path}: cannot be written (${code === "EISDIR" ? "it is a folder: name a file in it" : message})`)
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
  const path = resolve(folder)
  // Node's `recursive` never ends in a folder that takes none, as /proc, and calls a full disk ENOENT (nodejs/node#42808).
  if (!existsSync(path)) makeOne(pathsUpTo(path).find((above) => !existsSync(above))!)
  mkdirSync(path, { recursive: true })
}

/** Another process may be faster. */
function makeOne(folder: string): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}

/** Every folder above `path` from the root on, and itself. */
function pathsUpTo(path: string): string[] {
  const above = dirname(path)
  return above === path ? [path] : [...pathsUpTo(above), path]
}

/**
 * Before work whose result goes into a file: whether it could be written. Nothing is made.
 * @throws WriteError where a folder of that name or a file above it is in the way, or the system allows none
 */
export function expectPlace(path: string): void {
  const above = pathsUpTo(dirname(resolve(path))).findLast((folder) => existsSync(folder))!
  if (!statSync(above).isDirectory()) {
    throw new WriteError(path, { code: "ENOTDIR", message: `${above} is a file, not a folder` })
  }
  const there = statSync(path, { throwIfNoEntry: false })
  if (there?.isDirectory()) throw new WriteError(path, { code: "EISDIR" })
  // A pipe or a device.
  if (there && !there.isFile()) return
  try {
    accessSync(above, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new WriteError(path, error)
  }
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
