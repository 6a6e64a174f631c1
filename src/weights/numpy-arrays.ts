import { DataError } from "../core/errors.js"
import { Inert, type Pickled, PickledName } from "./pickle.js"
import { bytesOf, decode, rowMajor, type StoredTensor, UnreadableTensor, valueCount } from "./stored.js"

/** A type of numbers, such as little-endian `f4`, or of anything else. */
class Dtype {
  /** As safetensors calls it; undefined for what is no number. */
  readonly dtype: string | undefined
  readonly name: string
  isBigEndian = false
  isRecord = false

  constructor(name: string) {
    this.name = name
    this.dtype = Object.hasOwn(types, name) ? types[name]! : undefined
  }
}

/** Numpy's types as safetensors calls them. */
const types: Readonly<Record<string, string>> = {
  b1: "BOOL",
  u1: "U8",
  u2: "U16",
  u4: "U32",
  u8: "U64",
  i1: "I8",
  i2: "I16",
  i4: "I32",
  i8: "I64",
  f2: "F16",
  f4: "F32",
  f8: "F64",
  c8: "C64",
  c16: "C128",
}

/** An array, which is empty until its state comes. */
class NumpyArray implements StoredTensor {
  #tensor: StoredTensor = new UnreadableTensor("none", [], "has no values")

  get shape(): readonly number[] {
    return this.#tensor.shape
  }

  get dtype(): string {
    return this.#tensor.dtype
  }

  read(): Float32Array {
    return this.#tensor.read()
  }

  fill(tensor: StoredTensor): void {
    this.#tensor = tensor
  }
}

/** @param bytes of the values, last axis fastest unless `fortran` */
function arrayOf(shape: Pickled, type: Pickled, fortran: boolean, bytes: Pickled): StoredTensor {
  if (!isShape(shape) || !(type instanceof Dtype)) throw notDescribed()
  const { dtype, name, isBigEndian, isRecord } = type
  if (dtype === undefined || isRecord || isBigEndian) {
    const what = isRecord ? "records" : `type ${JSON.stringify(name)}${isBigEndian ? ", big-endian" : ""}`
    return new UnreadableTensor("numpy", shape, `is an array of ${what}, which is not read`)
  }
  const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes
  if (!(data instanceof Uint8Array)) throw notDescribed()
  const needed = valueCount(shape) * bytesOf(dtype)!
  if (data.length !== needed) throw new DataError(`pickle: an array needs ${needed} bytes and has ${data.length}`)
  const strides = shape.map((_, axis) => valueCount(shape.slice(0, axis)))
  const read = () => {
    const values = decode(data, dtype)
    return fortran ? rowMajor(values, { offset: 0, shape, strides }) : values
  }
  return { dtype, shape, read }
}

/** The functions of numpy that make arrays and numbers; numpy 2's names are `numpyName`'s. */
export const numpyCallables: Readonly<Record<string, (args: readonly Pickled[]) => Pickled>> = {
  "numpy.dtype": ([name]) => new Dtype(typeof name === "string" ? name : "a type without a name"),
  "numpy.core.multiarray._reconstruct": ([kind]) => {
    const name = kind instanceof PickledName ? kind.name : ""
    return name === "numpy.ndarray" ? new NumpyArray() : new Inert(name)
  },
  "numpy.core.numeric._frombuffer": ([bytes, type, shape, order]) => {
    const array = new NumpyArray()
    array.fill(arrayOf(shape, type, order === "F", bytes))
    return array
  },
  "numpy.core.multiarray.scalar": ([type, bytes]) => {
    const array = arrayOf([], type, false, bytes)
    return array instanceof UnreadableTensor || array.dtype.startsWith("C") ? new Inert("numpy") : array.read()[0]
  },
}

/** numpy 2 calls its `core` `_core`. */
export const numpyName = (name: string): string => name.replace(/^numpy\._core\./, "numpy.core.")

/** Gives an array its values, a type its order. @returns false for what is neither */
export function buildNumpy(value: Pickled, state: Pickled): boolean {
  if (!(value instanceof Dtype || value instanceof NumpyArray)) return false
  if (!Array.isArray(state)) throw notDescribed()
  if (value instanceof Dtype) {
    const [, order, inner, names] = state as Pickled[]
    value.isRecord = inner !== null || names !== null
    value.isBigEndian = order === ">"
  } else {
    const [, shape, type, fortran, bytes] = state as Pickled[]
    value.fill(arrayOf(shape, type, fortran === true || fortran === 1, bytes))
  }
  return true
}

const notDescribed = () => new DataError("pickle: an array is not described")

const isShape = (value: Pickled): value is number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0)
