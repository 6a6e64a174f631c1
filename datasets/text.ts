import { closeSync, readSync } from "node:fs"
import { openRegular, readRegular } from "../src/core/regular-file.js"

/**
 * The text of a file in the encoding that it tells of itself: by a byte order mark, by zeros where UTF-16 has them, by an
 * XML declaration; else UTF-8.
 * @throws Error for a declared encoding that is not known
 */
export function readText(path: string): string {
  return decodeText(readRegular(path))
}

/** The first 64 KiB of a file's text: enough to know its kind by. */
export function readHead(path: string): string {
  const { file } = openRegular(path)
  try {
    const bytes = new Uint8Array(64 << 10)
    return decodeText(bytes.subarray(0, readSync(file, bytes)))
  } finally {
    closeSync(file)
  }
}

export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes)
}

/** Lines without the spaces around them; empty ones are left out. */
export function readLines(path: string): string[] {
  const lines = readText(path).split(/\r\n|\n|\r/)
  return lines.map((line) => line.trim()).filter((line) => line !== "")
}

function encodingOf(bytes: Uint8Array): string {
  const [a, b] = bytes
  if (bytes.length >= 2) {
    if ((a === 0xff && b === 0xfe) || (a !== 0 && b === 0)) return "utf-16le"
    if ((a === 0xfe && b === 0xff) || (a === 0 && b !== 0)) return "utf-16be"
  }
  if (a === 0xef && b === 0xbb) return "utf-8"
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200))
  const declared = /^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']+)["']/.exec(head)?.[1]
  if (declared === undefined) return "utf-8"
  // The bytes of the declaration itself were read as single letters: they are no UTF-16.
  if (/^utf-?16/i.test(declared)) return "utf-8"
  try {
    return new TextDecoder(declared).encoding
  } catch {
    throw new Error(`it declares the encoding "${declared}", which is not known. Save it as UTF-8`)
  }
}
