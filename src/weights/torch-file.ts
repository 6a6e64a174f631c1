import { readFileSync } from "node:fs"
import { unzipSync } from "fflate"
import { DataError } from "../tensor/errors.js"
import { bytesOf, decode } from "./dtypes.js"
import { type Handlers, type Pickled, unpickle } from "./pickle.js"
import { rowMajor } from "./strided.js"
import type { Weight } from "./torchvision.js"

/**
 * The tensors of a PyTorch file (`.pth`, `.pt`, `.th`; zip or legacy), in PyTorch's axis order, without executing
 * anything of it. A checkpoint's `state_dict` (or `model`) is taken where there is one.
 * @throws DataError for a file that is cut off, is no PyTorch file, or names classes beyond tensors and dictionaries
 */
export function readTorchFile(path: string): Map<string, Weight> {
  try {
    const bytes = readFileSync(path)
    const isZip = bytes.subarray(0, 4).toString("latin1") === "PK\u0003\u0004"
    const root = isZip ? readZip(bytes) : readLegacy(bytes)
    return tensorsOf(root)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === "ENOENT") throw new DataError(`${path}: no such file`)
    if (error instanceof DataError) throw new DataError(`${path}: ${message}`)
    // fflate numbers its errors.
    if (typeof code === "number") throw new DataError(`${path}: the zip archive is broken (${message})`)
    throw error
  }
}

/** A storage's numbers, which a legacy file brings after the pickle that names them. */
class Storage {
  readonly dtype: string
  readonly key: string
  readonly length: number
  #values: Float32Array | undefined

  constructor(dtype: string, key: string, length: number) {
    this.dtype = dtype
    this.key = key
    this.length = length
  }

  fill(bytes: Uint8Array): void {
    const expected = this.length * bytesOf(this.dtype)!
    if (bytes.length !== expected) {
      throw new DataError(`storage ${this.key} needs ${expected} bytes and has ${bytes.length}`)
    }
    this.#values = decode(new Uint8Array(bytes).buffer, this.dtype)
  }

  get values(): Float32Array {
    if (!this.#values) throw new DataError(`storage ${this.key} is missing`)
    return this.#values
  }
}

interface LazyTensor {
  readonly storage: Storage
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

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
        throw new DataError(`pickle: calls ${JSON.stringify(callee) ?? "a value"}, which is refused`)
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

function rebuild([storage, offset, shape, strides]: readonly Pickled[]): LazyTensor {
  if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) {
    throw new DataError("pickle: a tensor is not described")
  }
  const count = shape.reduce((product, length) => product * length, 1)
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * (strides[axis] ?? Number.NaN), offset)
  // A stride of 0 could make a small file fill the memory.
  const fits = count === 0 || (last < storage.length && count <= storage.length)
  if (!fits || shape.length !== strides.length) throw new DataError("pickle: a tensor reaches beyond its storage")
  return { storage, offset, shape, strides }
}

const isCount = (value: Pickled): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isCounts = (value: Pickled): value is number[] => Array.isArray(value) && value.every(isCount)

/** One pickle and, behind `data/`, a file for each storage. */
function readZip(bytes: Buffer): Pickled {
  const files = unzipSync(bytes, {
    filter: ({ name, compression }) => {
      // PyTorch stores without compressing, so that no small file can grow.
      if (compression !== 0) throw new DataError(`"${name}" is compressed, which PyTorch never does`)
      return /(^|\/)data(\.pkl|\/[^/]+)$/.test(name)
    },
  })
  const pickle = Object.keys(files).find((name) => name.endsWith("data.pkl"))
  if (pickle === undefined) throw new DataError("a zip archive without PyTorch's data.pkl")
  const handling = new Handling()
  const { value } = unpickle(files[pickle]!, 0, handling)
  const folder = pickle.slice(0, -".pkl".length)
  for (const [key, storage] of handling.storages) {
    const file = files[`${folder}/${key}`]
    if (!file) throw new DataError(`storage ${key} is missing`)
    storage.fill(file)
  }
  return value
}

/** @source torch/serialization.py: MAGIC_NUMBER 0x1950a86a20f9469cfc6c, PROTOCOL_VERSION 1001 */
const legacyStart = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex")

/** Five pickles (magic, version, system, object, storage keys), then each storage with its length in front. */
function readLegacy(bytes: Buffer): Pickled {
  if (!bytes.subarray(0, legacyStart.length).equals(legacyStart)) throw new DataError("not a PyTorch file")
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
    const storage = handling.storages.get(String(key))
    if (!storage) throw new DataError(`storage ${String(key)} is not described`)
    const length = storage.length * bytesOf(storage.dtype)!
    if (at + 8 + length > bytes.length) throw new DataError(`cut off in storage ${storage.key}`)
    if (Number(bytes.readBigInt64LE(at)) !== storage.length)
      throw new DataError(`storage ${storage.key} has another size`)
    storage.fill(bytes.subarray(at + 8, at + 8 + length))
    at += 8 + length
  }
  return root
}

function tensorsOf(root: Pickled): Map<string, Weight> {
  if (!(root instanceof Map)) throw new DataError("holds no table of tensors")
  const inner = [root.get("state_dict"), root.get("model")].find((value) => value instanceof Map) ?? root
  const weights = new Map<string, Weight>()
  for (const [name, value] of inner as Map<Pickled, Pickled>) {
    if (typeof name !== "string" || !isTensor(value)) continue
    weights.set(name, { shape: value.shape, values: rowMajor(value.storage.values, value) })
  }
  if (weights.size === 0) throw new DataError("holds no tensors")
  return weights
}

const isTensor = (value: Pickled): value is LazyTensor =>
  typeof value === "object" && value !== null && "storage" in value && value.storage instanceof Storage
