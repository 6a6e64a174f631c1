import * as zlib from "node:zlib"
import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import type { OpenFile } from "./open-file.js"

/** A file in an archive, which is read when it is asked for. */
export interface ZipEntry {
  /** Bytes. */
  readonly size: number
  /** @throws DataError for an entry that is broken, or compressed in a way that is not known */
  read(begin?: number, end?: number): Buffer
}

/** @source PKWARE APPNOTE.TXT: 4.3.16, 4.3.15, 4.3.14, 4.3.12, 4.3.7 */
const signatures = { end: 0x06054b50, locator: 0x07064b50, end64: 0x06064b50, entry: 0x02014b50, local: 0x04034b50 }
const lengths = { end: 22, locator: 20, end64: 56, entry: 46, local: 30 }
/** A bit of an entry's flags. */
const ENCRYPTED = 1
/** How an entry is kept: as it is, or compressed. */
const methods = { stored: 0, deflated: 8 }
/** How many times as large as an archive, and 1 MB, what it holds may be: weights cannot be compressed much. */
const mostGrown = 8
/** The end of the directory may be followed by a comment of 65,535 bytes. */
const longestEnd = lengths.end + 0xffff
/** Stands in 32 bits where the number is found in 64 bits elsewhere. */
const elsewhere = 0xffffffff

/**
 * The files of a zip archive by name. Only the directory at its end is read; what an entry holds stays on the disk until it
 * is asked for.
 * @throws DataError for an archive that is cut off or encrypted, whose entries overlap or share a name, or that lists more than it can hold
 */
export function readZip(file: OpenFile): ReadonlyMap<string, ZipEntry> {
  const fail = (what: string): never => {
    throw new DataError(`${file.path}: the zip archive is broken (${what})`)
  }
  const { count, begin, length } = directoryPlace(file, fail)
  if (begin + length > file.size) fail("its directory is cut off")
  if (count * lengths.entry > length) fail(`${count} entries in a directory of ${length} bytes`)
  const directory = file.read(begin, length)
  const entries: DirectoryEntry[] = []
  for (let at = 0; entries.length < count; ) {
    const entry = directoryEntry(directory, at, fail)
    entries.push(entry)
    at = entry.next
  }
  const whole = entries.reduce((sum, { size }) => sum + size, 0)
  if (whole > mostGrown * file.size + 2 ** 20) fail(`it holds ${whole} bytes in ${file.size}`)
  let end = 0
  for (const { name, place, stored } of [...entries].sort((a, b) => a.place - b.place)) {
    if (place < end) fail(`"${shown(name)}" overlaps another`)
    end = place + lengths.local + stored
  }
  if (end > begin) fail("an entry reaches beyond its end")
  const files = new Map<string, ZipEntry>()
  for (const entry of entries) {
    // Which of the two is meant would be up to the reader.
    if (files.has(entry.name)) fail(`"${shown(entry.name)}" is in it twice`)
    files.set(entry.name, zipEntry(file, entry, begin, fail))
  }
  return files
}

type Fail = (what: string) => never

/** Where the list of entries stands. */
function directoryPlace(file: OpenFile, fail: Fail): { count: number; begin: number; length: number } {
  const from = Math.max(0, file.size - longestEnd)
  const tail = file.read(from, file.size - from)
  let at = tail.length - lengths.end
  while (at >= 0 && tail.readUInt32LE(at) !== signatures.end) at--
  if (at < 0) return fail("no directory at its end: it is cut off")
  const count = tail.readUInt16LE(at + 10)
  const [length, begin] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)]
  if (count < 0xffff && length < elsewhere && begin < elsewhere) return { count, begin, length }
  const locator = at - lengths.locator
  if (locator < 0 || tail.readUInt32LE(locator) !== signatures.locator) return fail("no directory of 64 bits")
  const place = wholeNumber(tail.readBigUInt64LE(locator + 8))
  if (place + lengths.end64 > file.size) return fail("its directory of 64 bits is cut off")
  const end64 = file.read(place, lengths.end64)
  if (end64.readUInt32LE(0) !== signatures.end64) return fail("no directory of 64 bits")
  const [entries, bytes, start] = [32, 40, 48].map((offset) => wholeNumber(end64.readBigUInt64LE(offset)))
  return { count: entries!, length: bytes!, begin: start! }
}

interface DirectoryEntry {
  readonly name: string
  readonly method: number
  /** Bytes of what it holds. */
  readonly size: number
  /** Bytes in the archive. */
  readonly stored: number
  readonly checksum: number
  /** Of the header that its bytes follow. */
  readonly place: number
  /** Of the next entry in the directory. */
  readonly next: number
}

function directoryEntry(bytes: Buffer, at: number, fail: Fail): DirectoryEntry {
  if (at + lengths.entry > bytes.length || bytes.readUInt32LE(at) !== signatures.entry) return fail("a broken entry")
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset))
  const extraAt = at + lengths.entry + nameLength!
  const next = extraAt + extraLength! + commentLength!
  if (next > bytes.length) return fail("a broken entry")
  const large = extra64(bytes.subarray(extraAt, extraAt + extraLength!))
  // Those of the three that do not fit into 32 bits stand in the extra field, in this order.
  const [size, stored, place] = [24, 20, 42].map((offset) => {
    const value = bytes.readUInt32LE(at + offset)
    return value === elsewhere ? (large.shift() ?? fail("a size that is not told")) : value
  })
  if ((bytes.readUInt16LE(at + 8) & ENCRYPTED) !== 0) return fail("it is encrypted")
  const method = bytes.readUInt16LE(at + 10)
  if (method === methods.stored && size !== stored) return fail("an entry of two sizes")
  const name = bytes.toString("utf8", at + lengths.entry, extraAt)
  return { name, method, size: size!, stored: stored!, checksum: bytes.readUInt32LE(at + 16), place: place!, next }
}

/** The numbers of 64 bits in an entry's extra field. */
function extra64(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2)
    const field = extra.subarray(at + 4, at + 4 + length)
    if (extra.readUInt16LE(at) === 1) {
      return Array.from({ length: Math.floor(field.length / 8) }, (_, i) => wholeNumber(field.readBigUInt64LE(8 * i)))
    }
    at += 4 + length
  }
  return []
}

/** Beyond 2^53 it is larger than any file, exact or not. */
const wholeNumber = (value: bigint): number => Number(value)

function zipEntry(file: OpenFile, entry: DirectoryEntry, end: number, fail: Fail): ZipEntry {
  const { name, method, size, stored, checksum, place } = entry
  let start: number | undefined
  let inflated: Buffer | undefined
  const begin = () => {
    const local = file.read(place, lengths.local)
    if (local.readUInt32LE(0) !== signatures.local) fail(`"${shown(name)}" is not where it should be`)
    const from = place + lengths.local + local.readUInt16LE(26) + local.readUInt16LE(28)
    if (from + stored > end) fail(`"${shown(name)}" reaches beyond the archive's end`)
    return from
  }
  const inflate = () => {
    if (method !== methods.deflated) throw new DataError(`"${shown(name)}" is compressed in a way that is not known`)
    try {
      const bytes = zlib.inflateRawSync(file.read(start!, stored), { maxOutputLength: Math.max(size, 1) })
      if (bytes.length === size) return bytes
    } catch (error) {
      if (error instanceof DataError) throw error
    }
    return fail(`"${shown(name)}" cannot be unpacked`)
  }
  return {
    size,
    read(from = 0, to = size) {
      start ??= begin()
      if (method !== methods.stored) inflated ??= inflate()
      const bytes = inflated?.subarray(from, to) ?? file.read(start + from, to - from)
      // Files are read in whole as a rule, and only a whole can be checked.
      if (bytes.length === size && crc32 !== undefined && crc32(bytes) !== checksum) fail(`"${shown(name)}" is damaged`)
      return bytes
    },
  }
}

/** Node has it from 20.15. */
const { crc32 } = zlib as { readonly crc32?: (bytes: Uint8Array) => number }
