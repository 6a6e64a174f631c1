import { DataError } from "../core/errors.js"
import type { ByteCursor } from "./byte-cursor.js"

/**
 * The number, text or bytes that stand behind an opcode of a pickle; undefined for an opcode that does something else.
 * @throws DataError for a number that is none, RangeError where the bytes end
 */
export function pickledConstant(
  opcode: number,
  cursor: ByteCursor,
): number | string | boolean | null | Buffer | undefined {
  switch (opcode) {
    case 0x4e: // NONE
      return null
    case 0x88: // NEWTRUE
    case 0x89: // NEWFALSE
      return opcode === 0x88
    case 0x4b: // BININT1
      return cursor.byte()
    case 0x4d: // BININT2
      return cursor.length(2)
    case 0x4a: // BININT
      return cursor.take(4).readInt32LE()
    case 0x8a: // LONG1
      return long(cursor.take(cursor.byte()))
    case 0x8b: // LONG4
      return long(cursor.take(cursor.length(4)))
    case 0x47: // BINFLOAT
      return cursor.take(8).readDoubleBE()
    case 0x49: // INT
    case 0x4c: // LONG
    case 0x46: // FLOAT
      return numberOf(cursor.line())
    case 0x8c: // SHORT_BINUNICODE
      return cursor.utf8(cursor.byte())
    case 0x58: // BINUNICODE
      return cursor.utf8(cursor.length(4))
    case 0x8d: // BINUNICODE8
      return cursor.utf8(cursor.length(8))
    case 0x56: // UNICODE
      return unescaped(cursor.line("latin1"), /\\u([0-9a-f]{4})/gi)
    case 0x53: // STRING
      return unescaped(cursor.line("latin1").slice(1, -1), /\\(?:x([0-9a-f]{2})|(.))/gi)
    case 0x55: // SHORT_BINSTRING
      return cursor.take(cursor.byte()).toString("latin1")
    case 0x54: // BINSTRING
      return cursor.take(cursor.length(4)).toString("latin1")
    case 0x43: // SHORT_BINBYTES
      return cursor.take(cursor.byte())
    case 0x42: // BINBYTES
      return cursor.take(cursor.length(4))
    case 0x8e: // BINBYTES8
    case 0x96: // BYTEARRAY8
      return cursor.take(cursor.length(8))
    default:
      return undefined
  }
}

/** Little-endian two's complement; exact up to 2^53. */
function long(bytes: Buffer): number {
  // Beyond 16 bytes it is no size or count of ours, and its value does not matter.
  if (bytes.length > 16) return Number.NaN
  let value = 0n
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at]!)
  return Number(BigInt.asIntN(8 * bytes.length, value))
}

/** A number as protocol 0 writes it: `01` and `00` are true and false, a long ends in L. */
function numberOf(line: string): number | boolean {
  if (line === "00" || line === "01") return line === "01"
  const value = Number(line.replace(/L$/, ""))
  if (line === "" || (Number.isNaN(value) && line !== "nan"))
    throw new DataError("pickle: broken: a number that is none")
  return value
}

/** A text of protocol 0. @param pattern what stands for a letter: its code, or the letter behind a backslash */
const unescaped = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (_, code: string | undefined, letter?: string) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
    return { n: "\n", r: "\r", t: "\t" }[letter!] ?? letter!
  })
