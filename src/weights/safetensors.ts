import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { DataError } from "../tensor/errors.js"
import { bytesOf, decode, readableTypes } from "./dtypes.js"
import { writeWholeFile } from "./whole-file.js"

/** Where one tensor lies in a file. */
export interface TensorEntry {
  readonly dtype: string
  readonly shape: readonly number[]
  /** Byte range in the file. */
  readonly begin: number
  readonly end: number
}

/** A safetensors file whose header has been read and checked; the values stay on disk until they are asked for. */
export class SafetensorsFile {
  readonly path: string
  readonly metadata: Readonly<Record<string, string>>
  readonly entries: ReadonlyMap<string, TensorEntry>

  /** @throws DataError for a file that is missing, cut off, or whose header does not hold together */
  constructor(path: string) {
    this.path = path
    const { metadata, entries } = withFile(path, (file, size) => readHeader(path, file, size))
    this.metadata = metadata
    this.entries = entries
  }

  /**
   * One tensor's values as float32, in the file's own axis order.
   * @throws DataError for a name that is not there or a type that cannot be read
   */
  read(name: string): Float32Array {
    const entry = this.entries.get(name)
    if (!entry) throw new DataError(`${this.path}: holds no tensor "${name}"`)
    if (!readableTypes.includes(entry.dtype)) {
      throw new DataError(
        `${this.path}: tensor "${name}" has type ${entry.dtype}; can be read: ${readableTypes.join(", ")}`,
      )
    }
    return withFile(this.path, (file) => {
      const bytes = new Uint8Array(entry.end - entry.begin)
      readFully(this.path, file, bytes, entry.begin)
      return decode(bytes.buffer, entry.dtype)
    })
  }
}

/**
 * Writes float32 tensors and strings about them; the file appears under its name only when it is complete.
 * @throws DataError when the file cannot be written
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [name: string, { readonly shape: readonly number[]; readonly values: Float32Array }]>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const header: Record<string, unknown> = {}
  if (Object.keys(metadata).length > 0) header[METADATA] = metadata
  const all = [...tensors]
  let offset = 0
  for (const [name, { shape, values }] of all) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + values.byteLength] }
    offset += values.byteLength
  }
  const json = Buffer.from(JSON.stringify(header))
  // Padded with spaces so that the values begin at a multiple of eight bytes.
  const head = Buffer.alloc(8 + 8 * Math.ceil(json.length / 8), " ")
  head.writeBigUInt64LE(BigInt(head.length - 8))
  json.copy(head, 8)
  const bytes = all.map(([, { values }]) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  writeWholeFile(path, [head, ...bytes])
}

const METADATA = "__metadata__"
/** @source safetensors: MAX_HEADER_SIZE, against files made to fill the memory */
const MAX_HEADER_BYTES = 100_000_000

function readHeader(path: string, file: number, size: number) {
  const fail = (what: string): never => {
    throw new DataError(`${path}: not a whole safetensors file: ${what}`)
  }
  if (size < 8) fail(`${size} bytes are too few for a header`)
  const prefix = Buffer.alloc(8)
  readFully(path, file, prefix, 0)
  const length = Number(prefix.readBigUInt64LE())
  if (length > MAX_HEADER_BYTES) fail(`a header of ${length} bytes is too large`)
  if (8 + length > size) fail(`a header of ${length} bytes does not fit into ${size}`)
  const bytes = Buffer.alloc(length)
  readFully(path, file, bytes, 8)
  const header = parseObject(bytes) ?? fail("the header is not a JSON object")

  const metadata = header[METADATA] ?? {}
  if (!isRecord(metadata) || Object.values(metadata).some((value) => typeof value !== "string")) {
    fail(`${METADATA} is not a table of strings`)
  }
  const start = 8 + length
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]): [string, TensorEntry] => [name, checkEntry(name, value, start, fail)])
  let expected = start
  for (const [name, { begin, end }] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== expected) fail(`tensor "${name}" ${begin < expected ? "overlaps another" : "leaves a gap before it"}`)
    expected = end
  }
  if (expected > size) fail(`the tensors need ${expected} bytes, the file has ${size}`)
  if (expected < size) fail(`${size - expected} bytes belong to no tensor`)
  return { metadata: metadata as Record<string, string>, entries: new Map(entries) }
}

function checkEntry(name: string, value: unknown, start: number, fail: (what: string) => never): TensorEntry {
  if (!isRecord(value)) return fail(`tensor "${name}" is not described by an object`)
  const { dtype, shape, data_offsets: offsets } = value
  const size = typeof dtype === "string" ? bytesOf(dtype) : undefined
  if (size === undefined) return fail(`tensor "${name}" has an unknown type ${JSON.stringify(dtype)}`)
  if (!isSizes(shape)) return fail(`tensor "${name}" has a bad shape ${JSON.stringify(shape)}`)
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(`tensor "${name}" has bad offsets ${JSON.stringify(offsets)}`)
  const [from, to] = offsets as [number, number]
  const needed = shape.reduce((product, length) => product * length, size)
  if (to - from !== needed) return fail(`tensor "${name}" needs ${needed} bytes and has ${to - from}`)
  return { dtype: dtype as string, shape, begin: start + from, end: start + to }
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function withFile<T>(path: string, use: (file: number, size: number) => T): T {
  let file: number
  try {
    file = openSync(path, "r")
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new DataError(code === "ENOENT" ? `${path}: no such file` : `${path}: cannot be read (${message})`)
  }
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) throw new DataError(`${path}: not a file`)
    return use(file, stat.size)
  } finally {
    closeSync(file)
  }
}

function readFully(path: string, file: number, into: Uint8Array, position: number): void {
  let done = 0
  while (done < into.length) {
    const count = readSync(file, into, done, into.length - done, position + done)
    if (count === 0) throw new DataError(`${path}: ends early`)
    done += count
  }
}
