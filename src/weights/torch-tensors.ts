import { DataError } from "../core/errors.js"
import { Inert, type Pickled, PickledName } from "./pickle.js"
import { bytesOf, decode, rowMajor, type StoredTensor, type Strided, UnreadableTensor, valueCount } from "./stored.js"

/** Bytes of a storage from one place to another. */
export type ReadBytes = (begin: number, end: number) => Uint8Array

/** A storage of numbers, which several tensors may share. */
export class Storage {
  readonly key: string
  /** What it holds, such as `F32`; undefined for bytes whose tensors say what they are. */
  readonly dtype: string | undefined
  /** Of the whole in bytes. */
  readonly size: number
  /** Of one of its values in bytes. */
  readonly width: number
  #bytes: ReadBytes | undefined

  /** @param count of its values */
  constructor(key: string, dtype: string | undefined, count: number) {
    this.key = key
    this.dtype = dtype
    this.width = dtype === undefined ? 1 : bytesOf(dtype)!
    this.size = this.width * count
  }

  /** @param size of what is there, in bytes */
  fill(size: number, bytes: ReadBytes): void {
    if (size !== this.size) throw new DataError(`storage ${this.key} needs ${this.size} bytes and has ${size}`)
    this.#bytes = bytes
  }

  read(begin: number, end: number): Uint8Array {
    if (this.#bytes === undefined) throw new DataError(`storage ${this.key} is missing`)
    return this.#bytes(begin, end)
  }
}

/** A tensor as a view of its storage. */
class StorageTensor implements StoredTensor {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly #storage: Storage
  readonly #place: Strided

  constructor(storage: Storage, dtype: string, place: Strided) {
    this.dtype = dtype
    this.shape = place.shape
    this.#storage = storage
    this.#place = place
  }

  read(): Float32Array {
    const { offset, shape, strides } = this.#place
    if (valueCount(shape) === 0) return new Float32Array(0)
    const [size, last] = [bytesOf(this.dtype)!, lastPlace(this.#place)]
    const values = decode(this.#storage.read(size * offset, size * (last + 1)), this.dtype)
    return rowMajor(values, { offset: 0, shape, strides })
  }
}

/** Where the last of a tensor's values stands in its storage. */
const lastPlace = ({ offset, shape, strides }: Strided): number =>
  shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? Number.NaN), offset)

/** PyTorch's types as safetensors calls them; a storage of them is called `torch.FloatStorage` and so on. */
const types: Readonly<Record<string, { readonly dtype: string; readonly storage?: string }>> = {
  float32: { dtype: "F32", storage: "Float" },
  float64: { dtype: "F64", storage: "Double" },
  float16: { dtype: "F16", storage: "Half" },
  bfloat16: { dtype: "BF16", storage: "BFloat16" },
  float8_e4m3fn: { dtype: "F8_E4M3" },
  float8_e5m2: { dtype: "F8_E5M2" },
  int8: { dtype: "I8", storage: "Char" },
  int16: { dtype: "I16", storage: "Short" },
  int32: { dtype: "I32", storage: "Int" },
  int64: { dtype: "I64", storage: "Long" },
  uint8: { dtype: "U8", storage: "Byte" },
  uint16: { dtype: "U16" },
  uint32: { dtype: "U32" },
  uint64: { dtype: "U64" },
  bool: { dtype: "BOOL", storage: "Bool" },
  complex64: { dtype: "C64", storage: "ComplexFloat" },
  complex128: { dtype: "C128", storage: "ComplexDouble" },
  qint8: { dtype: "I8", storage: "QInt8" },
  quint8: { dtype: "U8", storage: "QUInt8" },
  qint32: { dtype: "I32", storage: "QInt32" },
}

const storageTypes: ReadonlyMap<string, string> = new Map(
  Object.values(types).flatMap(({ dtype, storage }) => (storage ? [[`torch.${storage}Storage`, dtype] as const] : [])),
)

/**
 * The storage of a persistent id: `("storage", type, key, place, count)`. What else is kept so, such as a module's source,
 * is inert.
 * @throws DataError for a storage that is not described
 */
export function describedStorage(id: Pickled): Storage | Inert {
  const [kind, type, key, , count] = Array.isArray(id) ? id : []
  if (Array.isArray(id) && kind !== "storage") return new Inert(typeof kind === "string" ? kind : "something outside")
  const name = type instanceof PickledName ? type.name : ""
  const dtype = storageTypes.get(name)
  const isBytes = name === "torch.storage.UntypedStorage"
  if (!(dtype || isBytes) || typeof key !== "string" || !isCount(count)) throw notDescribed("storage")
  return new Storage(key, dtype, count)
}

const quantised = "is quantised. Save the weights of the network as it was before"
const sparse = "is sparse. Make it dense before you save it"

/** The functions of PyTorch that make tensors. @source torch/_weights_only_unpickler.py, torch/_utils.py */
export const torchCallables: Readonly<Record<string, (args: readonly Pickled[]) => Pickled>> = {
  "torch._utils._rebuild_tensor": (args) => viewed(args),
  "torch._utils._rebuild_tensor_v2": (args) => viewed(args),
  "torch._utils._rebuild_tensor_v3": (args) => viewed(args, args[6]),
  "torch._utils._rebuild_parameter": ([tensor]) => tensor,
  "torch._utils._rebuild_parameter_with_state": ([tensor]) => tensor,
  "torch._utils._rebuild_device_tensor_from_cpu_tensor": ([tensor]) => tensor,
  "torch._utils._rebuild_device_tensor_from_numpy": ([array]) => array,
  "torch.nn.parameter.Parameter": ([tensor = null]) => tensor,
  "torch._utils._rebuild_qtensor": ([, , shape]) => new UnreadableTensor("quantised", shapeOf(shape), quantised),
  "torch._utils._rebuild_sparse_tensor": ([, data]) =>
    new UnreadableTensor("sparse", Array.isArray(data) ? shapeOf(data[2]) : [], sparse),
  "torch._utils._rebuild_meta_tensor_no_storage": ([, shape]) =>
    new UnreadableTensor("none", shapeOf(shape), "has a shape and no values"),
  "torch._utils._rebuild_wrapper_subclass": ([, , shape]) => new UnreadableTensor("wrapped", shapeOf(shape), wrapped),
  "torch._tensor._rebuild_from_type_v2": ([make, , args, state]) => {
    const name = make instanceof PickledName ? make.name : ""
    const tensor = Object.hasOwn(torchCallables, name) && Array.isArray(args) ? torchCallables[name]!(args) : null
    return tensor instanceof UnreadableTensor ? (wholeInside(tensor, state) ?? tensor) : tensor
  },
  "torch.Size": ([lengths = []]) => lengths,
}

const wrapped = "is of a class of its own, or one part of several. Save full tensors, such as DTensor.full_tensor()"

/** The plain tensor that holds all values of one of a class of its own, such as a DTensor that is in one piece. */
function wholeInside({ shape }: StoredTensor, state: Pickled): StoredTensor | undefined {
  const held: Pickled[] = state instanceof Map ? [...state.values()] : Array.isArray(state) ? state : []
  const inner = held.flatMap((value) => (value instanceof Map ? [...value.values()] : [value]))
  const [tensor, another] = inner.filter((value) => value instanceof StorageTensor)
  return another === undefined && String(tensor?.shape) === String(shape) ? tensor : undefined
}

function viewed([storage, offset, shape, strides]: readonly Pickled[], type?: Pickled): StoredTensor {
  if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) {
    throw notDescribed("tensor")
  }
  const named = type instanceof PickledName ? /^torch\.(\w+)$/.exec(type.name)?.[1] : undefined
  const dtype = named === undefined ? storage.dtype : Object.hasOwn(types, named) ? types[named]!.dtype : undefined
  if (dtype === undefined) return new UnreadableTensor(named ?? "bytes", shape, `has type ${named ?? "bytes"}`)
  const isEmpty = valueCount(shape) === 0
  const room = storage.size / bytesOf(dtype)!
  const fits = isEmpty || lastPlace({ offset, shape, strides }) < room
  if (!fits || shape.length !== strides.length) throw new DataError("pickle: a tensor reaches beyond its storage")
  return new StorageTensor(storage, dtype, { offset, shape, strides })
}

const notDescribed = (what: string) => new DataError(`pickle: a ${what} is not described`)

const isCount = (value: Pickled): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isCounts = (value: Pickled): value is number[] => Array.isArray(value) && value.every(isCount)
const shapeOf = (value: Pickled): readonly number[] => (isCounts(value) ? value : [])
