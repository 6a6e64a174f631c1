import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import { holdsNetwork } from "./foreign-names.js"
import { networkRoots } from "./names.js"
import { Inert, type Pickled, PickledName } from "./pickle.js"
import type { StoredTensor } from "./stored.js"

/** A table of tensors in a checkpoint. */
interface TensorTable {
  /** The keys that lead to it, joined by dots; empty for the whole file. */
  readonly key: string
  readonly tensors: ReadonlyMap<string, StoredTensor>
}

/** The table that was taken of a file, and which else there are of the same kind. */
export interface ChosenTable extends TensorTable {
  readonly others: readonly string[]
}

/** How deep tables of tensors may lie in a checkpoint, and how many values are looked at. */
const [deepest, most] = [6, 200_000]

/** Keys under which training code keeps a network, most usual first; averages and teachers come behind. */
const usual = ["", "state_dict", "model", "model_state_dict", "net", "network", "module", "params", "weights", "blobs"]
const averages = /(^|[._])(ema|teacher|momentum|averaged?|swa|target)([._]|$)/i

/**
 * The table of tensors that holds a network: the one that is asked for, else the one with a ResNet's layers under the most
 * usual key, else the largest.
 * @param root of a checkpoint
 * @throws DataError where there is none, which says how to save weights so that they can be read
 */
export function chooseTable(root: Pickled, key?: string): ChosenTable {
  const tables = tablesIn(root)
  if (tables.length === 0) throw new DataError(whyNone(root))
  if (key !== undefined) {
    const asked = askedTable(tables, key.replace(/\.$/, ""))
    return { ...asked, others: keysOf(tables.filter(({ key }) => key !== asked.key)) }
  }
  const networks = tables.filter(({ tensors }) => holdsNetwork(tensors))
  const [chosen] = (networks.length > 0 ? networks : tables).sort((a, b) => rank(a) - rank(b) || size(b) - size(a))
  return { ...chosen!, others: keysOf(networks.filter((table) => table !== chosen)) }
}

/**
 * The table of that key, or the one whose key ends with it: a network is told by what stands before its own names.
 * @throws DataError for a key of none, or of several
 */
function askedTable(tables: readonly TensorTable[], key: string): TensorTable {
  const parts = tables.flatMap(networksIn).filter((part) => tables.every((table) => table.key !== part.key))
  const all = [...tables, ...parts]
  const exact = all.find((table) => table.key === key)
  const ending = all.filter((table) => table.key.endsWith(`.${key}`))
  if (exact !== undefined || ending.length === 1) return exact ?? ending[0]!
  const listed = (some: readonly TensorTable[]) => keysOf(some).slice(0, 10).map(shown).join(", ")
  if (ending.length > 1) {
    throw new DataError(`holds ${ending.length} tables of tensors "${shown(key)}". Choose one of ${listed(ending)}`)
  }
  const there = keysOf(all).length > 0 ? `There are ${listed(all)}` : "It has one, without a key"
  throw new DataError(`holds no table of tensors "${shown(key)}". ${there}`)
}

/** Keys that a user can give: the whole file has none. */
const keysOf = (tables: readonly TensorTable[]): string[] => tables.map(({ key }) => key).filter((key) => key !== "")

const size = ({ tensors }: TensorTable) => tensors.size

/** Lower is better. */
function rank({ key }: TensorTable): number {
  const place = usual.indexOf(key.split(".").at(-1)!)
  const behind = averages.test(key) ? 100 : /optim/i.test(key) ? 1000 : 0
  return behind + (place < 0 ? usual.length : place)
}

/** Each of several networks in one table by itself: its key is what stands before its names. */
function networksIn({ key, tensors }: TensorTable): TensorTable[] {
  const roots = networkRoots(tensors.keys())
  return roots.map((root) => ({
    key: `${key === "" ? "" : `${key}.`}${root}`.replace(/\.$/, ""),
    tensors: new Map([...tensors].filter(([name]) => name.startsWith(root))),
  }))
}

/** All dictionaries with tensors in them, breadth first; each is looked at once, however often it is referred to. */
function tablesIn(root: Pickled): TensorTable[] {
  const tables: TensorTable[] = []
  const seen = new Set<Pickled>([root])
  const waiting: [key: string, value: Pickled, depth: number][] = [["", root, 0]]
  for (let at = 0; at < waiting.length && waiting.length < most; at++) {
    const [key, value, depth] = waiting[at]!
    if (!(value instanceof Map)) continue
    const tensors = new Map<string, StoredTensor>()
    for (const [name, inner] of value as Map<Pickled, Pickled>) {
      if (typeof name !== "string") continue
      if (isTensor(inner)) tensors.set(name, inner)
      else if (inner instanceof Map && depth < deepest && !seen.has(inner)) {
        seen.add(inner)
        waiting.push([key === "" ? name : `${key}.${name}`, inner, depth + 1])
      }
    }
    if (tensors.size > 0) tables.push({ key, tensors })
  }
  return tables
}

/** Storages have no shape. */
const isTensor = (value: Pickled): value is StoredTensor =>
  typeof value === "object" && value !== null && "shape" in value && "dtype" in value && "read" in value

const advice = (what: string) => `Save the weights alone: torch.save(${what}.state_dict(), "weights.pth")`

function whyNone(root: Pickled): string {
  if (isTensor(root)) return `holds one tensor without a name. ${advice("model")}`
  if (Array.isArray(root)) return `holds no table of tensors, but a list without names. ${advice("model")}`
  if (root instanceof PickledName) {
    return `holds a whole object of ${shown(root.name)}, whose code is not run. ${advice("model")}`
  }
  if (!(root instanceof Map)) return `holds no table of tensors. ${advice("model")}`
  const object = [...(root as Map<Pickled, Pickled>)].find(([, value]) => value instanceof Inert)
  if (object === undefined) return `holds no tensors. ${advice("model")}`
  const [name, { name: type }] = object as [Pickled, Inert]
  const place = typeof name === "string" && name.length < 40 ? `checkpoint["${shown(name)}"]` : "model"
  return `holds no tensors, but an object of ${shown(type)}, whose code is not run. ${advice(place)}`
}
