import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
import { DataError } from "../core/errors.js"

/**
 * Writes a file piece by piece beside its place; it appears under its name only when it is complete and on the disk.
 * @throws DataError when it cannot be written; what was there before is then as it was
 */
export function writeWholeFile(path: string, pieces: Iterable<Uint8Array>): void {
  const beside = `${path}.${process.pid}.part`
  try {
    const file = openSync(beside, "w")
    try {
      for (const piece of pieces) writeFully(file, piece)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw new DataError(`${path}: cannot be written (${(error as Error).message})`)
  }
}

function writeFully(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
}
