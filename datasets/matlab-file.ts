import { inflateSync } from "node:zlib"
import { DataError } from "../src/core/errors.js"

/** What an array of a MATLAB file holds: text, numbers column by column, or structures. What else there is, is undefined. */
export type MatlabValue = string | readonly number[] | readonly MatlabStructure[] | undefined
/** A structure's fields by name. */
type MatlabStructure = Readonly<Record<string, MatlabValue>>

/** @source MathWorks, MAT-File Format, version 5, chapter 1: tables 1-1 and 1-3 */
const types = { int32: 5, uint32: 6, matrix: 14, compressed: 15 } as const
const classes = { structure: 2, text: 4, first: 6, last: 15 } as const
const HEADER = 128
const TAG = 8

/** How many times its size a compressed variable may be: deflate reaches 1,032, and texts to a twentieth. */
const mostGrowth = 200
/** Structures inside each other. */
const deepest = 8

/** How the numbers of a type are read; bytes each. */
const numbers: Readonly<Record<number, readonly [size: number, read: (bytes: DataView, at: number) => number]>> = {
  1: [1, (bytes, at) => bytes.getInt8(at)],
  2: [1, (bytes, at) => bytes.getUint8(at)],
  3: [2, (bytes, at) => bytes.getInt16(at, true)],
  4: [2, (bytes, at) => bytes.getUint16(at, true)],
  5: [4, (bytes, at) => bytes.getInt32(at, true)],
  6: [4, (bytes, at) => bytes.getUint32(at, true)],
  7: [4, (bytes, at) => bytes.getFloat32(at, true)],
  9: [8, (bytes, at) => bytes.getFloat64(at, true)],
  16: [1, (bytes, at) => bytes.getUint8(at)],
  17: [2, (bytes, at) => bytes.getUint16(at, true)],
}

interface Element {
  readonly type: number
  readonly bytes: Buffer
  /** Of the next element. */
  readonly next: number
}

/**
 * The variables of a MATLAB file of version 5, by name: texts, numbers and structures of such, which is what the development
 * kits of ImageNet have.
 * @param path for messages
 * @throws DataError for a file that is none, is broken, or says that it holds more than it does
 */
export function readMatlab(bytes: Buffer, path: string): ReadonlyMap<string, MatlabValue> {
  if (bytes.length < HEADER || bytes.readUInt16LE(124) !== 0x100 || bytes.toString("latin1", 126, 128) !== "IM") {
    throw new DataError(`${path}: no MATLAB file of version 5, little-endian`)
  }
  const fail: Fail = (what) => {
    throw new DataError(`${path}: the MATLAB file is broken (${what})`)
  }
  const variables = new Map<string, MatlabValue>()
  for (let at = HEADER; at < bytes.length; ) {
    const outer = elementAt(bytes, at, fail)
    at = outer.next
    const inner = outer.type === types.compressed ? elementAt(inflated(outer.bytes, fail), 0, fail) : outer
    if (inner.type !== types.matrix) continue
    const { name, value } = matrix(inner.bytes, 0, fail)
    variables.set(name, value)
  }
  return variables
}

type Fail = (what: string) => never

function inflated(bytes: Buffer, fail: Fail): Buffer {
  try {
    return inflateSync(bytes, { maxOutputLength: mostGrowth * bytes.length + 1024 })
  } catch {
    return fail("a variable cannot be unpacked")
  }
}

function elementAt(bytes: Buffer, at: number, fail: Fail): Element {
  if (at + TAG > bytes.length) return fail("it is cut off")
  const word = bytes.readUInt32LE(at)
  const short = word >>> 16
  // Up to four bytes stand in the tag itself.
  if (short > 4) return fail("an element of no type")
  const [type, size, from] = short > 0 ? [word & 0xffff, short, at + 4] : [word, bytes.readUInt32LE(at + 4), at + TAG]
  if (from + size > bytes.length) return fail("an element reaches beyond its end")
  const end = type === types.compressed ? from + size : from + TAG * Math.ceil(size / TAG)
  return { type, bytes: bytes.subarray(from, from + size), next: short > 0 ? at + TAG : end }
}

function matrix(bytes: Buffer, depth: number, fail: Fail): { readonly name: string; readonly value: MatlabValue } {
  // As MATLAB writes an empty one.
  if (bytes.length === 0) return { name: "", value: [] }
  if (depth > deepest) return fail("structures inside each other go too deep")
  const flags = elementAt(bytes, 0, fail)
  if (flags.type !== types.uint32 || flags.bytes.length < 4) return fail("an array without flags")
  const sides = elementAt(bytes, flags.next, fail)
  const name = elementAt(bytes, sides.next, fail)
  const kind = flags.bytes[0]!
  const array = { bytes, at: name.next, count: product(valuesOf(sides, fail), fail), depth, fail }
  return { name: name.bytes.toString("latin1"), value: contentOf(kind, array) }
}

interface MatlabArray {
  readonly bytes: Buffer
  /** Where what it holds begins. */
  readonly at: number
  readonly count: number
  readonly depth: number
  readonly fail: Fail
}

function contentOf(kind: number, array: MatlabArray): MatlabValue {
  const { bytes, at, count, fail } = array
  if (kind === classes.structure) return structures(array)
  if (kind !== classes.text && !(kind >= classes.first && kind <= classes.last)) return undefined
  if (count === 0) return kind === classes.text ? "" : []
  const element = elementAt(bytes, at, fail)
  if (kind === classes.text && element.type === 16) return element.bytes.toString("utf8")
  const values = valuesOf(element, fail)
  if (values.length !== count) return fail(`an array of ${count} values has ${values.length}`)
  return kind === classes.text ? values.map((code) => String.fromCharCode(code)).join("") : values
}

/** The names of the fields, then the fields of one structure after another. */
function structures({ bytes, at, count, depth, fail }: MatlabArray): MatlabStructure[] {
  const length = elementAt(bytes, at, fail)
  const letters = valuesOf(length, fail)[0] ?? 0
  const named = elementAt(bytes, length.next, fail)
  if (!(letters >= 1 && named.bytes.length % letters === 0)) return fail("names of fields of no length")
  const names = Array.from({ length: named.bytes.length / letters }, (_, i) =>
    named.bytes.toString("latin1", i * letters, (i + 1) * letters).replace(/\0.*/s, ""),
  )
  if (count * names.length * TAG > bytes.length - named.next)
    return fail(`${count} structures in ${bytes.length} bytes`)
  // Where there are no fields, nothing of the file stands for a structure.
  if (names.length === 0) return []
  let next = named.next
  return Array.from({ length: count }, () => {
    const fields = names.map((name) => {
      const element = elementAt(bytes, next, fail)
      next = element.next
      if (element.type !== types.matrix) return fail(`the field ${JSON.stringify(name)} is no array`)
      return [name, matrix(element.bytes, depth + 1, fail).value] as const
    })
    return Object.fromEntries(fields)
  })
}

function valuesOf({ type, bytes }: Element, fail: Fail): number[] {
  const [size, read] = numbers[type] ?? fail(`numbers of the type ${type}`)
  if (bytes.length % size !== 0) return fail("half a number")
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / size }, (_, i) => read(view, i * size))
}

function product(sides: readonly number[], fail: Fail): number {
  const count = sides.reduce((all, side) => all * side, 1)
  return sides.every((side) => side >= 0) && Number.isSafeInteger(count) ? count : fail("an array of no size")
}
