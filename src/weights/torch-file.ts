import { DataError } from "../core/errors.js"
import type { OpenFile } from "./open-file.js"
import { type Pickled, unpickle } from "./pickle.js"
import { PickledObjects } from "./pickled-objects.js"
import type { StoredFile } from "./stored.js"
import { chooseTable } from "./tensor-tables.js"
import { readZip, type ZipEntry } from "./zip.js"

/**
 * The tensors of a PyTorch file (zip or legacy), without executing anything of it.
 * @param key of the table of tensors to take, where there are several
 * @throws DataError for a file that is cut off, is no PyTorch file, or holds no table of tensors
 */
export function readTorchFile(file: OpenFile, key?: string): StoredFile {
  const root = isZip(file) ? readArchive(file) : readLegacy(sourceOf(file))
  const table = chooseTable(root, key)
  return { tensors: table.tensors, metadata: {}, table }
}

export const isZip = (file: OpenFile): boolean => startsWith(file, Buffer.from("PK\u0003\u0004", "latin1"))

/** @source torch/serialization.py: MAGIC_NUMBER 0x1950a86a20f9469cfc6c, PROTOCOL_VERSION 1001 */
const legacyStart = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex")

export const isLegacyTorch = (file: OpenFile): boolean => startsWith(file, legacyStart)

const startsWith = (file: OpenFile, bytes: Buffer): boolean =>
  file.size >= bytes.length && file.read(0, bytes.length).equals(bytes)

/** One pickle and, behind `data/`, a file for each storage. */
function readArchive(file: OpenFile): Pickled {
  const entries = readZip(file)
  const names = [...entries.keys()]
  const [pickle, another] = names.filter((name) => /(^|\/)data\.pkl$/.test(name))
  if (pickle === undefined) throw new DataError(otherArchive(names))
  if (another !== undefined) throw new DataError("a zip archive with several data.pkl, of which only one is looked for")
  const folder = pickle.slice(0, -"data.pkl".length)
  if (entries.has(`${folder}constants.pkl`)) {
    throw new DataError(`a TorchScript program, which is not run. Save its weights: ${saving("torch.jit.load(...)")}`)
  }
  if (entries.get(`${folder}byteorder`)?.read(0, 3).toString() === "big") {
    throw new DataError(`its numbers are big-endian. Save it on another machine: ${saving("model")}`)
  }
  const bytes = entries.get(pickle)!.read()
  const objects = new PickledObjects(bytes.length, readNested)
  const { value } = unpickle(bytes, 0, objects)
  for (const [key, storages] of objects.storages) {
    const entry: ZipEntry | undefined = entries.get(`${folder}data/${key}`)
    if (!entry) throw new DataError(`storage ${key} is missing`)
    for (const storage of storages) storage.fill(entry.size, (begin, end) => entry.read(begin, end))
  }
  return value
}

const saving = (model: string) => `torch.save(${model}.state_dict(), "weights.pth")`

/** What an archive is that PyTorch did not write. */
function otherArchive(names: readonly string[]): string {
  const inner = names.find((name) => /\.(pth|pt|th|bin|ckpt|safetensors|pkl|tar)$/i.test(name))
  if (names.some((name) => name.endsWith(".weights.h5"))) return "a Keras model, which is not read"
  if (names.length > 0 && names.every((name) => name.endsWith(".npy")))
    return "an archive of numpy arrays (.npz), which is not read"
  if (inner !== undefined) return `a zip archive with ${JSON.stringify(inner.slice(0, 100))} in it. Unpack it first`
  return "a zip archive without PyTorch's data.pkl"
}

/** Where the pieces of a legacy file come from. */
interface Source {
  readonly size: number
  read(begin: number, length: number): Buffer
}

const sourceOf = (file: OpenFile): Source => ({ size: file.size, read: (begin, length) => file.read(begin, length) })

export const readNested = (bytes: Uint8Array): Pickled => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return readLegacy({ size: buffer.length, read: (begin, length) => buffer.subarray(begin, begin + length) })
}

/** Of the pickles at the front of a legacy file; the storages behind them stay on the disk. */
const firstPart = 1 << 24

/** Five pickles (magic, version, system, object, storage keys), then each storage with its length in front. */
function readLegacy(source: Source, part = Math.min(source.size, firstPart)): Pickled {
  const bytes = source.read(0, part)
  if (!bytes.subarray(0, legacyStart.length).equals(legacyStart)) throw new DataError("not a PyTorch file")
  const objects = new PickledObjects(bytes.length, readNested)
  let at = 0
  const next = (): Pickled => {
    const { value, end } = unpickle(bytes, at, objects)
    at = end
    return value
  }
  let pickles: Pickled[]
  try {
    pickles = [next(), next(), next(), next(), next()]
  } catch (error) {
    // The rest of the pickles may stand in the next part.
    if (part === source.size || !(error instanceof DataError && error.message.includes("cut off"))) throw error
    return readLegacy(source, Math.min(source.size, 8 * part))
  }
  const [, version, , root, keys] = pickles
  if (version !== 1001) throw new DataError("a PyTorch file of unknown version")
  if (!Array.isArray(keys)) throw new DataError("pickle: no list of storages")
  for (const key of keys) {
    const storages = typeof key === "string" ? objects.storages.get(key) : undefined
    if (!storages) throw new DataError("a storage is not described")
    const [{ size, width }] = storages as [(typeof storages)[0]]
    if (at + 8 + size > source.size) throw new DataError(`cut off in storage ${key}`)
    if (Number(source.read(at, 8).readBigInt64LE()) * width !== size)
      throw new DataError(`storage ${key} has another size`)
    const start = at + 8
    for (const storage of storages) storage.fill(size, (begin, end) => source.read(start + begin, end - begin))
    at = start + size
  }
  return root
}
