import { closeSync, read, readSync } from "node:fs"
import { promisify } from "node:util"
import { DataError } from "../../src/core/errors.js"
import { NoFileError, openRegular } from "../../src/core/regular-file.js"
import { mostImageBytes } from "../image/image-file.js"

/** The bytes of an archive: a file that stays on the disk, or what is in memory. */
export interface ArchiveBytes {
  /** What messages call it. */
  readonly path: string
  readonly size: number
  /** @throws DataError where it ends before `at + length` */
  read(at: number, length: number): Buffer
}

/** Read at a time: a text of a few bytes lies between two headers of 512 as a rule. */
const windowBytes = 4096

const readPart = promisify(read)

/** An archive in memory. */
export function bytesOf(path: string, bytes: Buffer): ArchiveBytes {
  return {
    path,
    size: bytes.length,
    read: (at, length) =>
      at + length <= bytes.length ? bytes.subarray(at, at + length) : endsEarly(path, at + length, bytes.length),
  }
}

/**
 * Lends the bytes of an archive's file while `use` runs.
 * @throws DataError for what is no file
 */
export function withArchive<Result>(path: string, use: (bytes: ArchiveBytes) => Result): Result {
  const { file, size } = opened(path)
  let begin = 0
  let window: Buffer = Buffer.alloc(0)
  const fill = (at: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafeSlow(length)
    for (let done = 0; done < length; ) {
      const count = readSync(file, bytes, done, length - done, at + done)
      if (count === 0) return endsEarly(path, at + length, at + done)
      done += count
    }
    return bytes
  }
  try {
    return use({
      path,
      size,
      read(at, length) {
        if (at + length > size) return endsEarly(path, at + length, size)
        if (length > windowBytes) return fill(at, length)
        if (at < begin || at + length > begin + window.length) {
          ;[begin, window] = [at, fill(at, Math.min(windowBytes, size - at))]
        }
        return window.subarray(at - begin, at - begin + length)
      },
    })
  } finally {
    closeSync(file)
  }
}

/** An image in an archive, read anew. @throws DataError where the archive has become shorter since, or the image is too large */
export async function readArchivePart(path: string, at: number, length: number): Promise<Uint8Array> {
  if (length > mostImageBytes) {
    throw new DataError(`${path}: an image of ${length} bytes in it, more than ${mostImageBytes}`)
  }
  const { file } = opened(path)
  try {
    const bytes = Buffer.allocUnsafeSlow(length)
    for (let done = 0; done < length; ) {
      const { bytesRead } = await readPart(file, bytes, done, length - done, at + done)
      if (bytesRead === 0) return endsEarly(path, at + length, at + done)
      done += bytesRead
    }
    return bytes
  } finally {
    closeSync(file)
  }
}

function endsEarly(path: string, wanted: number, size: number): never {
  throw new DataError(`${path}: the archive is cut off: it has ${size} bytes, and ${wanted} are needed. Fetch it again`)
}

function opened(path: string): ReturnType<typeof openRegular> {
  try {
    return openRegular(path)
  } catch (error) {
    if (error instanceof NoFileError) throw new DataError(`${path}: not a file`)
    const { code } = error as NodeJS.ErrnoException
    throw new DataError(code === "ENOENT" ? `${path}: there is no such file` : `${path}: cannot be read (${code})`)
  }
}
