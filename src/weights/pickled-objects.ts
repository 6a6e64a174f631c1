import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import { buildNumpy, numpyCallables, numpyName } from "./numpy-arrays.js"
import { type Handlers, Inert, type Pickled, PickledName } from "./pickle.js"
import { describedStorage, type Storage, torchCallables } from "./torch-tensors.js"

/** Reads a PyTorch file that stands in a pickle as bytes. */
export type ReadNested = (bytes: Uint8Array) => Pickled

/** How many times as much as the pickle has may be made of it: what it refers to again and again is copied each time. */
const mostCopied = 8

/**
 * The objects of checkpoints: Python's containers, PyTorch's tensors and numpy's arrays. Everything else stays inert.
 * @source torch/_weights_only_unpickler.py: what it allows, and defaultdict, frozenset and numpy's arrays beside
 */
export class PickledObjects implements Handlers {
  /** By their keys; one may be described by several types. */
  readonly storages = new Map<string, Storage[]>()
  readonly #readNested: ReadNested
  #budget: number

  /** @param size of the pickle in bytes */
  constructor(size: number, readNested: ReadNested) {
    this.#budget = mostCopied * size
    this.#readNested = readNested
  }

  call(given: string, args: readonly Pickled[]): Pickled | undefined {
    const name = numpyName(given).replace(/^__builtin__\./, "builtins.")
    const [first, second] = args
    if (Object.hasOwn(callables, name)) return callables[name]!(args)
    switch (name) {
      case "builtins.dict":
      case "collections.OrderedDict":
      case "collections.Counter":
        return first instanceof Map ? this.#copied(first) : this.#dictionary(first)
      case "_codecs.encode": // How Python 3 writes bytes for Python 2.
        if (typeof first !== "string" || second !== "latin1") return undefined
        this.#spend(first.length)
        return Buffer.from(first, "latin1")
      case "torch.storage._load_from_bytes":
        if (!(first instanceof Uint8Array)) return undefined
        this.#spend(first.length)
        return this.#readNested(first)
      default:
        return undefined
    }
  }

  persistent(id: Pickled): Storage | Inert {
    const storage = describedStorage(id)
    if (storage instanceof Inert) return storage
    const alike = this.storages.get(storage.key) ?? []
    const known = alike.find(({ dtype, size }) => dtype === storage.dtype && size === storage.size)
    if (known !== undefined) return known
    if (alike.length > 2) throw new DataError(`pickle: storage ${shown(storage.key)} is described in several ways`)
    this.storages.set(storage.key, [...alike, storage])
    return storage
  }

  /** Attributes of all others mean nothing here, such as a state dict's table of versions. */
  build(value: Pickled, state: Pickled): void {
    buildNumpy(value, state)
  }

  #dictionary(pairs: Pickled): Map<Pickled, Pickled> {
    const all = Array.isArray(pairs) ? (pairs as Pickled[]) : []
    this.#spend(all.length)
    if (!all.every((pair) => Array.isArray(pair) && pair.length === 2)) throw new DataError("pickle: a broken table")
    return new Map(all as [Pickled, Pickled][])
  }

  #copied(map: Map<Pickled, Pickled>): Map<Pickled, Pickled> {
    this.#spend(map.size)
    return new Map(map)
  }

  #spend(amount: number): void {
    this.#budget -= amount
    if (this.#budget < 0) throw new DataError("pickle: it would become many times as large as it is")
  }
}

const same = ([value = []]: readonly Pickled[]): Pickled => value

const rebuilt = ([type]: readonly Pickled[]) => new Inert(type instanceof PickledName ? type.name : "object")

const callables: Readonly<Record<string, (args: readonly Pickled[]) => Pickled>> = {
  ...torchCallables,
  ...numpyCallables,
  "collections.defaultdict": () => new Map(),
  "builtins.set": same,
  "builtins.frozenset": same,
  "builtins.list": same,
  "builtins.bytearray": same,
  "copyreg._reconstructor": rebuilt,
  "copy_reg._reconstructor": rebuilt,
}
