import { DataError } from "../core/errors.js"
import type { ChosenTable } from "./tensor-tables.js"

/** A tensor in a file, whose values are read when they are asked for. */
export interface StoredTensor {
  /** As safetensors calls it: `F32`, `I64`, ... */
  readonly dtype: string
  readonly shape: readonly number[]
  /** The values as float32, last axis fastest. @throws DataError for a type that cannot be read, or a broken file */
  read(): Float32Array
}

/** What one of the readers finds in a file. */
export interface StoredFile {
  /** In PyTorch's axes, by the file's own names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** Texts about the tensors. */
  readonly metadata: Readonly<Record<string, string>>
  /** Which of a checkpoint's tables of tensors was taken. */
  readonly table?: ChosenTable
  /** Who wrote it, where it says so. */
  readonly author?: string | undefined
}

export const valueCount = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)

/** A tensor that is there and cannot be read, which matters only where a model takes it. */
export class UnreadableTensor implements StoredTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly #why: string

  /** @param why a sentence about the tensor, such as `is quantised` */
  constructor(dtype: string, shape: readonly number[], why: string) {
    this.dtype = dtype
    this.shape = shape
    this.#why = why
  }

  read(): never {
    throw new DataError(`a tensor ${this.#why}`)
  }
}

const sizes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
  C64: 8,
  C128: 16,
}

/** Bytes of one value of a safetensors type; undefined for a type that does not exist. */
export const bytesOf = (dtype: string): number | undefined => (Object.hasOwn(sizes, dtype) ? sizes[dtype] : undefined)

const decoders: Readonly<Record<string, (buffer: ArrayBuffer) => Float32Array>> = {
  F32: (buffer) => new Float32Array(buffer),
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  F16: (buffer) => Float32Array.from(new Uint16Array(buffer), (bits) => float(bits, 5, 10)),
  BF16: (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
  F8_E5M2: (buffer) => Float32Array.from(new Uint8Array(buffer), (bits) => float(bits, 5, 2)),
  F8_E4M3: (buffer) => Float32Array.from(new Uint8Array(buffer), float8),
  I8: (buffer) => Float32Array.from(new Int8Array(buffer)),
  I16: (buffer) => Float32Array.from(new Int16Array(buffer)),
  I32: (buffer) => Float32Array.from(new Int32Array(buffer)),
  I64: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  BOOL: (buffer) => Float32Array.from(new Uint8Array(buffer)),
  U8: (buffer) => Float32Array.from(new Uint8Array(buffer)),
  U16: (buffer) => Float32Array.from(new Uint16Array(buffer)),
  U32: (buffer) => Float32Array.from(new Uint32Array(buffer)),
  U64: (buffer) => Float32Array.from(new BigUint64Array(buffer), Number),
}

/**
 * Little-endian bytes of `dtype` as float32 values; they may share the bytes' memory.
 * @throws DataError for a type that no weights have, such as complex numbers
 */
export function decode(bytes: Uint8Array, dtype: string): Float32Array {
  const decoder = Object.hasOwn(decoders, dtype) ? decoders[dtype]! : undefined
  if (decoder === undefined) {
    throw new DataError(`a tensor has type ${dtype}; can be read: ${Object.keys(decoders).join(", ")}`)
  }
  const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer
  return decoder(isWhole ? (bytes.buffer as ArrayBuffer) : new Uint8Array(bytes).buffer)
}

/** The value of an IEEE 754 number of a sign, so many bits of exponent, and so many of fraction. */
function float(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = (bits >> (exponentBits + fractionBits)) & 1 ? -1 : 1
  const most = 2 ** exponentBits - 1
  const bias = 2 ** (exponentBits - 1) - 1
  const exponent = (bits >> fractionBits) & most
  const fraction = bits & (2 ** fractionBits - 1)
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits)
  if (exponent === most) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (2 ** fractionBits + fraction) * 2 ** (exponent - bias - fractionBits)
}

/** Of E4M3FN, whose largest exponent holds numbers too: only all ones are none. @source Open Compute Project, OFP8 */
const float8 = (bits: number): number => {
  if ((bits & 0x7f) === 0x7f) return Number.NaN
  const [exponent, fraction] = [(bits >> 3) & 15, bits & 7]
  const value = exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10)
  return bits & 0x80 ? -value : value
}

/** Which of a list of values are a tensor's, and in which order. */
export interface Strided {
  /** Place of the first. */
  readonly offset: number
  readonly shape: readonly number[]
  /** Places from one value to the next along each axis. */
  readonly strides: readonly number[]
}

/** A tensor's values, last axis fastest. */
export function rowMajor(source: Float32Array, { offset, shape, strides }: Strided): Float32Array {
  const values = new Float32Array(valueCount(shape))
  const position = shape.map(() => 0)
  let from = offset
  for (let at = 0; at < values.length; at++) {
    values[at] = source[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!
      if (++position[axis]! < shape[axis]!) break
      from -= position[axis]! * strides[axis]!
      position[axis] = 0
    }
  }
  return values
}
