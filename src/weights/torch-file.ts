import { DataError } from "../core/errors.js"
import type { OpenFile } from "./open-file.js"
import { type Handlers, type Pickled, spelt, unpickle } from "./pickle.js"
import { bytesOf, decode, rowMajor, type StoredFile, type StoredTensor, type Strided, valueCount } from "./stored.js"
import { readZip, type ZipEntry } from "./zip.js"

/**
 * The tensors of a PyTorch file (zip or legacy), without executing anything of it. A checkpoint's `state_dict` (or `model`)
 * is taken where there is one.
 * @throws DataError for a file that is cut off, is no PyTorch file, or names classes beyond tensors and dictionaries
 */
export function readTorchFile(file: OpenFile): StoredFile {
  const root = isZip(file) ? readArchive(file) : readLegacy(file)
  return { tensors: tensorsOf(root), metadata: {} }
}

export const isZip = (file: OpenFile): boolean => startsWith(file, Buffer.from("PK\u0003\u0004", "latin1"))

/** @source torch/serialization.py: MAGIC_NUMBER 0x1950a86a20f9469cfc6c, PROTOCOL_VERSION 1001 */
const legacyStart = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex")

export const isLegacyTorch = (file: OpenFile): boolean => startsWith(file, legacyStart)

const startsWith = (file: OpenFile, bytes: Buffer): boolean =>
  file.size >= bytes.length && file.read(0, bytes.length).equals(bytes)

/** A storage's numbers, which several tensors may share. */
class Storage {
  readonly dtype: string
  readonly key: string
  readonly length: number
  /** Its bytes from one place to another. */
  bytes: ((begin: number, end: number) => Uint8Array) | undefined

  constructor(dtype: string, key: string, length: number) {
    this.dtype = dtype
    this.key = key
    this.length = length
  }

  /** @param size of what is there, in bytes */
  fill(size: number, bytes: (begin: number, end: number) => Uint8Array): void {
    const expected = this.length * bytesOf(this.dtype)!
    if (size !== expected) throw new DataError(`storage ${this.key} needs ${expected} bytes and has ${size}`)
    this.bytes = bytes
  }
}

/** A tensor as a view of its storage. */
class StorageTensor implements StoredTensor {
  readonly shape: readonly number[]
  readonly #storage: Storage
  readonly #place: Strided

  constructor(storage: Storage, place: Strided) {
    this.shape = place.shape
    this.#storage = storage
    this.#place = place
  }

  get dtype(): string {
    return this.#storage.dtype
  }

  read(): Float32Array {
    const { dtype, key, bytes } = this.#storage
    if (bytes === undefined) throw new DataError(`storage ${key} is missing`)
    const { offset, shape, strides } = this.#place
    if (valueCount(shape) === 0) return new Float32Array(0)
    const [size, last] = [bytesOf(dtype)!, lastPlace(this.#place)]
    return rowMajor(decode(bytes(size * offset, size * (last + 1)), dtype), { offset: 0, shape, strides })
  }
}

/** Where the last of a tensor's values stands in its storage. */
const lastPlace = ({ offset, shape, strides }: Strided): number =>
  shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? Number.NaN), offset)

const dtypes: Readonly<Record<string, string>> = {
  "torch.FloatStorage": "F32",
  "torch.DoubleStorage": "F64",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
}
/** The callables that weights need; everything else is refused by name. */
const callables: readonly string[] = [
  "collections.OrderedDict",
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_parameter",
  "torch.Size",
]

class Handling implements Handlers {
  readonly storages = new Map<string, Storage>()

  global(name: string): Pickled | undefined {
    return Object.hasOwn(dtypes, name) || callables.includes(name) ? name : undefined
  }

  call(callee: Pickled, args: readonly Pickled[]): Pickled {
    switch (callee) {
      case "collections.OrderedDict":
        return new Map()
      case "torch.Size":
      case "torch._utils._rebuild_parameter":
        return args[0]
      case "torch._utils._rebuild_tensor":
      case "torch._utils._rebuild_tensor_v2":
        return rebuild(args)
      default:
        throw new DataError(`pickle: calls ${spelt(callee)}, which is refused`)
    }
  }

  /** Attributes mean nothing here, such as a state dict's table of versions. */
  build(): void {}

  persistent(id: Pickled): Storage {
    const [kind, type, key, , length] = Array.isArray(id) ? id : []
    const known = kind === "storage" && typeof type === "string" && Object.hasOwn(dtypes, type)
    if (!known || typeof key !== "string" || !isCount(length)) throw new DataError("pickle: a storage is not described")
    const storage = this.storages.get(key) ?? new Storage(dtypes[type]!, key, length)
    this.storages.set(key, storage)
    return storage
  }
}

function rebuild([storage, offset, shape, strides]: readonly Pickled[]): StorageTensor {
  if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) {
    throw new DataError("pickle: a tensor is not described")
  }
  const count = valueCount(shape)
  // A stride of 0 could make a small file fill the memory.
  const fits = count === 0 || (lastPlace({ offset, shape, strides }) < storage.length && count <= storage.length)
  if (!fits || shape.length !== strides.length) throw new DataError("pickle: a tensor reaches beyond its storage")
  return new StorageTensor(storage, { offset, shape, strides })
}

const isCount = (value: Pickled): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isCounts = (value: Pickled): value is number[] => Array.isArray(value) && value.every(isCount)

/** One pickle and, behind `data/`, a file for each storage. */
function readArchive(file: OpenFile): Pickled {
  const entries = readZip(file)
  const pickle = [...entries.keys()].find((name) => /(^|\/)data\.pkl$/.test(name))
  if (pickle === undefined) throw new DataError("a zip archive without PyTorch's data.pkl")
  const handling = new Handling()
  const { value } = unpickle(entries.get(pickle)!.read(), 0, handling)
  const folder = pickle.slice(0, -".pkl".length)
  for (const [key, storage] of handling.storages) {
    const entry: ZipEntry | undefined = entries.get(`${folder}/${key}`)
    if (!entry) throw new DataError(`storage ${key} is missing`)
    storage.fill(entry.size, (begin, end) => entry.read(begin, end))
  }
  return value
}

/** Five pickles (magic, version, system, object, storage keys), then each storage with its length in front. */
function readLegacy(file: OpenFile): Pickled {
  if (!isLegacyTorch(file)) throw new DataError("not a PyTorch file")
  const bytes = file.read(0, file.size)
  const handling = new Handling()
  let at = 0
  const next = (): Pickled => {
    const { value, end } = unpickle(bytes, at, handling)
    at = end
    return value
  }
  next()
  if (next() !== 1001) throw new DataError("a PyTorch file of unknown version")
  next()
  const root = next()
  const keys = next()
  if (!Array.isArray(keys)) throw new DataError("pickle: no list of storages")
  for (const key of keys) {
    const storage = typeof key === "string" ? handling.storages.get(key) : undefined
    if (!storage) throw new DataError(`storage ${spelt(key)} is not described`)
    const length = storage.length * bytesOf(storage.dtype)!
    if (at + 8 + length > bytes.length) throw new DataError(`cut off in storage ${storage.key}`)
    if (Number(bytes.readBigInt64LE(at)) !== storage.length)
      throw new DataError(`storage ${storage.key} has another size`)
    const own = bytes.subarray(at + 8, at + 8 + length)
    storage.fill(length, (begin, end) => own.subarray(begin, end))
    at += 8 + length
  }
  return root
}

function tensorsOf(root: Pickled): Map<string, StoredTensor> {
  if (!(root instanceof Map)) throw new DataError("holds no table of tensors")
  const table = [root.get("state_dict"), root.get("model")].find((value) => value instanceof Map) ?? root
  const tensors = new Map<string, StoredTensor>()
  for (const [name, value] of table as Map<Pickled, Pickled>) {
    if (typeof name === "string" && value instanceof StorageTensor) tensors.set(name, value)
  }
  if (tensors.size === 0) throw new DataError("holds no tensors")
  return tensors
}
