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
  /** Who wrote it, where it says so. */
  readonly author?: string | undefined
}

export const valueCount = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)

const sizes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
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
}

/** Bytes of one value of a safetensors type; undefined for a type that does not exist. */
export const bytesOf = (dtype: string): number | undefined => (Object.hasOwn(sizes, dtype) ? sizes[dtype] : undefined)

const decoders: Readonly<Record<string, (buffer: ArrayBuffer) => Float32Array>> = {
  F32: (buffer) => new Float32Array(buffer),
  F64: (buffer) => Float32Array.from(new Float64Array(buffer)),
  I32: (buffer) => Float32Array.from(new Int32Array(buffer)),
  I64: (buffer) => Float32Array.from(new BigInt64Array(buffer), Number),
  F16: (buffer) => Float32Array.from(new Uint16Array(buffer), half),
  BF16: (buffer) => new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer),
}

export const readableTypes: readonly string[] = Object.keys(decoders)

/** Little-endian bytes of `dtype` (one of `readableTypes`) as float32 values; they may share the bytes' memory. */
export function decode(bytes: Uint8Array, dtype: string): Float32Array {
  const isWhole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer
  return decoders[dtype]!(isWhole ? (bytes.buffer as ArrayBuffer) : new Uint8Array(bytes).buffer)
}

/** The value of an IEEE 754 half: 1 bit sign, 5 bits exponent, 10 bits fraction. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
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
