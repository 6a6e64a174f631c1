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

/** Little-endian bytes of `dtype` (one of `readableTypes`) as float32 values. */
export function decode(buffer: ArrayBuffer, dtype: string): Float32Array {
  return decoders[dtype]!(buffer)
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
