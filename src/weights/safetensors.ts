import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import { writeWhole } from "../core/write-whole.js"
import type { Weight } from "./axes.js"
import { OpenFile } from "./open-file.js"
import { bytesOf, decode, type StoredFile, type StoredTensor, valueCount } from "./stored.js"

/**
 * The tensors of a safetensors file, whose header is read and checked.
 * @throws DataError for a file that is cut off, or whose header does not hold together
 */
export function readSafetensors(file: OpenFile): StoredFile {
  const { metadata, entries } = readHeader(file)
  const tensors = [...entries].map(([name, entry]): [string, StoredTensor] => {
    const { dtype, shape, begin, end } = entry
    return [name, { dtype, shape, read: () => decode(file.read(begin, end - begin), dtype) }]
  })
  return { metadata, tensors: new Map(tensors) }
}

/**
 * The values of a safetensors file that `writeSafetensors` wrote: the names and axes are its own, and are not interpreted.
 * @throws DataError as above
 */
export function loadSafetensors(path: string): ReadonlyMap<string, Weight> {
  using file = new OpenFile(path)
  const { tensors } = readSafetensors(file)
  return new Map([...tensors].map(([name, tensor]) => [name, { shape: tensor.shape, values: tensor.read() }]))
}

/** Whether a file begins as one of safetensors does: the length of its header, and the header's brace. */
export function isSafetensors(file: OpenFile): boolean {
  if (file.size < 9) return false
  const start = file.read(0, 9)
  return start.readBigUInt64LE() < BigInt(file.size) && start[8] === 0x7b
}

/** Where one tensor lies in a file. */
interface TensorEntry {
  readonly dtype: string
  readonly shape: readonly number[]
  /** Byte range in the file. */
  readonly begin: number
  readonly end: number
}

/**
 * Writes float32 tensors and strings about them; the file appears under its name only when it is complete.
 * @throws DataError when the file cannot be written
 */
export function writeSafetensors(
  path: string,
  tensors: Iterable<readonly [name: string, Weight]>,
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
  writeWhole(path, [head, ...bytes])
}

const METADATA = "__metadata__"
/** Against files made to fill the memory: headers of the largest models have 1 MB. */
const MAX_HEADER_BYTES = 1 << 24
/** Sides of a tensor. @source numpy NPY_MAXDIMS, PyTorch's limit */
const MAX_SIDES = 64
/** A list in a tensor's description in the header. */
const HEADER_DEPTH = 3

function readHeader(file: OpenFile) {
  const { path, size } = file
  const fail = (what: string): never => {
    throw new DataError(`${path}: not a whole safetensors file: ${what}`)
  }
  if (size < 8) fail(`${size} bytes are too few for a header`)
  const length = Number(file.read(0, 8).readBigUInt64LE())
  if (length > MAX_HEADER_BYTES) fail(`a header of ${length} bytes is too large`)
  if (8 + length > size) fail(`a header of ${length} bytes does not fit into ${size}`)
  const header = parseObject(file.read(8, length)) ?? fail("the header is not a JSON object")

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
    if (begin !== expected)
      fail(`tensor "${shown(name)}" ${begin < expected ? "overlaps another" : "leaves a gap before it"}`)
    expected = end
  }
  if (expected > size) fail(`the tensors need ${expected} bytes, the file has ${size}`)
  if (expected < size) fail(`${size - expected} bytes belong to no tensor`)
  return { metadata: metadata as Record<string, string>, entries: new Map(entries) }
}

function checkEntry(name: string, value: unknown, start: number, fail: (what: string) => never): TensorEntry {
  if (!isRecord(value)) return fail(`tensor "${shown(name)}" is not described by an object`)
  const { dtype, shape, data_offsets: offsets } = value
  const size = typeof dtype === "string" ? bytesOf(dtype) : undefined
  if (size === undefined) return fail(`tensor "${shown(name)}" has an unknown type ${described(dtype)}`)
  if (!isSizes(shape)) return fail(`tensor "${shown(name)}" has a bad shape ${described(shape)}`)
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail(`tensor "${shown(name)}" has bad offsets ${described(offsets)}`)
  const [from, to] = offsets as [number, number]
  const needed = valueCount(shape) * size
  if (to - from !== needed) return fail(`tensor "${shown(name)}" needs ${needed} bytes and has ${to - from}`)
  return { dtype: dtype as string, shape, begin: start + from, end: start + to }
}

/** A value for a message; one that goes deep or on and on is not spelt out. */
function described(value: unknown): string {
  const isFlat = !Array.isArray(value) || (value.length <= 10 && value.every((item) => typeof item === "number"))
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return "an object"
  return isFlat ? shown(JSON.stringify(value) ?? "nothing") : "a list"
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MAX_SIDES && value.every((size) => Number.isSafeInteger(size) && size >= 0)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  if (isDeep(bytes)) return undefined
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether lists and objects lie deeper in each other than in a header: they would take many times as much memory. */
function isDeep(json: Buffer): boolean {
  const [quote, backslash] = [0x22, 0x5c]
  let [depth, isText] = [0, false]
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]!
    if (isText && byte === backslash) at++
    else if (byte === quote) isText = !isText
    else if (!isText && (byte === 0x5b || byte === 0x7b)) depth++
    else if (!isText && (byte === 0x5d || byte === 0x7d)) depth--
    if (depth > HEADER_DEPTH) return true
  }
  return false
}
