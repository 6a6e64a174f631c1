import { closeSync, read, readFileSync, readSync } from "node:fs"
import { promisify } from "node:util"
import { openRegular } from "../../src/core/regular-file.js"

/** No photo is larger: scans of a whole page in 16 bits have 200 MB. */
export const mostImageBytes = 2 ** 30

const readPart = promisify(read)

/**
 * The bytes of an image file.
 * @throws Error for what is no file, such as a pipe, or is too large
 */
export async function readImageFile(path: string): Promise<Uint8Array> {
  const { file, size } = openRegular(path)
  try {
    if (size > mostImageBytes) throw new Error(`the file has ${size} bytes, more than ${mostImageBytes}`)
    const bytes = Buffer.allocUnsafeSlow(size)
    let done = 0
    while (done < size) {
      const { bytesRead } = await readPart(file, bytes, done, size - done, done)
      if (bytesRead === 0) break
      done += bytesRead
    }
    return bytes.subarray(0, done)
  } finally {
    closeSync(file)
  }
}

/** The same, while everything else waits. */
export function readImageFileNow(path: string): Uint8Array {
  const { file, size } = openRegular(path)
  try {
    if (size > mostImageBytes) throw new Error(`the file has ${size} bytes, more than ${mostImageBytes}`)
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/** The first `count` bytes of an image file, or all. @throws Error as above */
export function imageFileStart(path: string, count: number): Uint8Array {
  const { file } = openRegular(path)
  try {
    const bytes = new Uint8Array(count)
    return bytes.subarray(0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}
