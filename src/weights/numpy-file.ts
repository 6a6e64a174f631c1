import { DataError } from "../core/errors.js"
import type { OpenFile } from "./open-file.js"
import { type Handlers, type Pickled, spelt, unpickle } from "./pickle.js"
import { bytesOf, decode, rowMajor, type StoredFile, type StoredTensor, valueCount } from "./stored.js"

/**
 * The arrays of a pickled table by their names (`.pkl`: detectron2's and Detectron's weights), without executing anything
 * of it. The table under `model` or `blobs` is taken where there is one.
 * @throws DataError for a file that is cut off, holds no arrays, or names classes beyond arrays and dictionaries
 */
export function readNumpyFile(file: OpenFile): StoredFile {
  return fileOf(unpickle(file.read(0, file.size), 0, handlers).value)
}

/** A type of numbers, such as little-endian `f4`. */
class Dtype {
  readonly name: string
  bigEndian = false

  constructor(name: string) {
    this.name = name
  }
}

class NumpyArray implements StoredTensor {
  shape: readonly number[] = []
  dtype = ""
  #read: (() => Float32Array) | undefined

  /** @param bytes of the values, last axis fastest unless `fortran` */
  fill(shape: Pickled, dtype: Pickled, fortran: boolean, bytes: Pickled): void {
    const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes
    if (!isShape(shape) || !(dtype instanceof Dtype) || !(data instanceof Uint8Array)) throw notDescribed()
    this.shape = shape
    this.dtype = types[dtype.name]!
    const needed = valueCount(shape) * bytesOf(this.dtype)!
    if (data.length !== needed) throw new DataError(`pickle: an array needs ${needed} bytes and has ${data.length}`)
    if (dtype.bigEndian) throw new DataError(`pickle: an array of big-endian ${dtype.name}, which is not read`)
    const strides = shape.map((_, axis) => valueCount(shape.slice(0, axis)))
    this.#read = () => {
      const values = decode(data, this.dtype)
      return fortran ? rowMajor(values, { offset: 0, shape, strides }) : values
    }
  }

  get isFilled(): boolean {
    return this.#read !== undefined
  }

  read(): Float32Array {
    if (this.#read === undefined) throw notDescribed()
    return this.#read()
  }
}

/** Numpy's types that weights come in, as safetensors calls them. */
const types: Readonly<Record<string, string>> = { f2: "F16", f4: "F32", f8: "F64", i4: "I32", i8: "I64" }

/** numpy 2 calls its `core` `_core`. */
const modern = (name: string): string => name.replace(/^numpy\._core\./, "numpy.core.")

/** The callables that arrays need; everything else is refused by name. */
const callables: Readonly<Record<string, (args: readonly Pickled[]) => Pickled>> = {
  "collections.OrderedDict": ([pairs = []]) => {
    const all = Array.isArray(pairs) ? (pairs as Pickled[]) : [null]
    if (!all.every((pair) => Array.isArray(pair) && pair.length === 2)) throw new DataError("pickle: a broken table")
    return new Map(all as [Pickled, Pickled][])
  },
  // How Python 3 writes bytes for Python 2.
  "_codecs.encode": ([text, coding]) => {
    if (typeof text !== "string" || coding !== "latin1") throw new DataError("pickle: bytes are not described")
    return Buffer.from(text, "latin1")
  },
  "numpy.dtype": ([name]) => {
    if (typeof name === "string" && Object.hasOwn(types, name)) return new Dtype(name)
    const known = Object.keys(types).join(", ")
    throw new DataError(`pickle: an array of type ${spelt(name)}; can be read: ${known}`)
  },
  "numpy.core.multiarray._reconstruct": ([kind]) => {
    if (kind !== "numpy.ndarray") throw notDescribed()
    return new NumpyArray()
  },
  "numpy.core.numeric._frombuffer": ([bytes, dtype, shape, order]) => {
    const array = new NumpyArray()
    array.fill(shape, dtype, order === "F", bytes)
    return array
  },
  "numpy.core.multiarray.scalar": ([dtype, bytes]) => {
    const array = new NumpyArray()
    array.fill([], dtype, false, bytes)
    return array.read()[0]
  },
}

const handlers: Handlers = {
  global: (name) => (name === "numpy.ndarray" || Object.hasOwn(callables, modern(name)) ? modern(name) : undefined),
  call(callee, args) {
    if (typeof callee === "string" && Object.hasOwn(callables, callee)) return callables[callee]!(args)
    throw new DataError(`pickle: calls ${spelt(callee)}, which is refused`)
  },
  persistent() {
    throw new DataError("pickle: refers to something outside of it, which is refused")
  },
  build(value, state) {
    if (value instanceof Map) return
    if (!Array.isArray(state)) throw notDescribed()
    if (value instanceof Dtype) {
      const [, order, inner, names] = state as Pickled[]
      if (inner !== null || names !== null) throw new DataError("pickle: an array of records, which is refused")
      value.bigEndian = order === ">"
    } else if (value instanceof NumpyArray) {
      const [, shape, dtype, fortran, bytes] = state as Pickled[]
      value.fill(shape, dtype, fortran === true || fortran === 1, bytes)
    } else throw notDescribed()
  },
}

const notDescribed = () => new DataError("pickle: an array is not described")

const isShape = (value: Pickled): value is number[] =>
  Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0)

function fileOf(root: Pickled): StoredFile {
  if (!(root instanceof Map)) throw new DataError("holds no table of arrays")
  const table = [root.get("model"), root.get("blobs")].find((value) => value instanceof Map) ?? root
  const tensors = new Map<string, StoredTensor>()
  for (const [name, value] of table as Map<Pickled, Pickled>) {
    if (typeof name === "string" && value instanceof NumpyArray && value.isFilled) tensors.set(name, value)
  }
  if (tensors.size === 0) throw new DataError("holds no arrays")
  const author: Pickled = root.get("__author__")
  return { tensors, metadata: {}, author: typeof author === "string" ? author : undefined }
}
