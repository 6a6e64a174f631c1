import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"

/** Without waiting for somebody at the other end of a pipe; Windows has no such thing. */
const flags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/**
 * Opens a file for reading. A pipe, a device or a folder, or a link to one, is not read, as it may never end.
 * @returns the handle, to be closed, and the size in bytes
 * @throws Error the system's, or one that says that it is no file
 */
export function openRegular(path: string): { readonly file: number; readonly size: number } {
  const file = openSync(path, flags)
  const stat = fstatSync(file)
  if (stat.isFile()) return { file, size: stat.size }
  closeSync(file)
  throw new NoFileError(stat.isDirectory() ? "it is a folder" : "it is a pipe or a device, not a file")
}

/** There is something at a path that is no file. */
export class NoFileError extends Error {
  override readonly name = "NoFileError"
}

/** All of a file. @throws Error as above */
export function readRegular(path: string): Buffer {
  const { file } = openRegular(path)
  try {
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}
