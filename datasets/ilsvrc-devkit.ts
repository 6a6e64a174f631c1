import { basename } from "node:path"
import { gunzipSync } from "node:zlib"
import { DataError } from "../src/core/errors.js"
import { readRegular } from "../src/core/regular-file.js"
import { shown } from "../src/core/shown.js"
import type { FolderFiles } from "./folder-files.js"
import { readMatlab } from "./matlab-file.js"
import { bytesOf } from "./tar/bytes.js"
import { tarEntries } from "./tar/entries.js"

/** What a development kit of ImageNet tells of the validation images. */
export interface Devkit {
  /** Path of the ground truth, for messages. */
  readonly path: string
  /** WordNet id of each image, in the order of their numbers. */
  readonly truths: readonly string[]
  /** The challenge's classes, sorted. */
  readonly classes: readonly string[]
  readonly notice: string
}

/** @source the development kit of ILSVRC 2012, task 1 and 2, `readme.txt` */
const truthName = "ILSVRC2012_validation_ground_truth.txt"
const metaName = "meta.mat"
/** Lines of WordNet id, number and name, in the kits from 2014 on. */
const mapName = "map_clsloc.txt"
const packed = "ILSVRC2012_devkit_t12.tar.gz"
const folders = ["ILSVRC2012_devkit_t12/data", "ILSVRC2012_devkit_t12", "devkit/data", "devkit", "data", ""]
/** The real one has 2.5 MB, unpacked 10 MB. */
const mostBytes = 256 << 20

/**
 * The development kit beside ImageNet's archives, unpacked or not: what `data/ILSVRC2012_validation_ground_truth.txt` says in the
 * kit's own numbers, `data/meta.mat` or `data/map_clsloc.txt` names.
 * @param root the folder with the archives
 * @throws DataError where there is none, or it is broken
 */
export function readDevkit(root: string, files: FolderFiles): Devkit {
  const find = kitIn(files) ?? packedKit(files)
  const [truth, meta, map] = [truthName, metaName, mapName].map((name) => find?.(name))
  const synsets = meta ?? map
  if (truth === undefined || synsets === undefined) {
    throw new DataError(
      `${root}: the validation images have their classes in the development kit: put ${packed} there, or its files ` +
        `${truthName} and ${metaName} into devkit/data/`,
    )
  }
  const wnids = meta === undefined ? wnidsOfMap(synsets) : wnidsOf(synsets)
  const lines = truth.bytes
    .toString("utf8")
    .split("\n")
    .map((line) => line.trim())
  if (lines.at(-1) === "") lines.pop()
  const truths = lines.map((line, i) => {
    const wnid = /^\d+$/.test(line) ? wnids.get(Number(line)) : undefined
    if (wnid !== undefined) return wnid
    throw new DataError(
      `${truth.path}: line ${i + 1}: expected the number of one of ${wnids.size} classes, got "${shown(line)}"`,
    )
  })
  const notice = `classes of the validation images: ${truth.path}, by ${basename(synsets.path)}`
  return { path: truth.path, truths, classes: [...wnids.values()].sort(), notice }
}

interface KitFile {
  readonly path: string
  readonly bytes: Buffer
}

type Find = (name: string) => KitFile | undefined

/** The kit unpacked: the first folder that has its ground truth. */
function kitIn(files: FolderFiles): Find | undefined {
  const place = (folder: string, name: string) => (folder === "" ? name : `${folder}/${name}`)
  const folder = folders.find((one) => files.has(place(one, truthName)))
  if (folder === undefined) return undefined
  return (name) => {
    if (!files.has(place(folder, name))) return undefined
    const path = files.find(place(folder, name), files.root)
    return path === undefined ? undefined : { path, bytes: readKitFile(path) }
  }
}

/** The kit as it is given out, which is small enough to be unpacked in memory. */
function packedKit(files: FolderFiles): Find | undefined {
  if (!files.has(packed)) return undefined
  const path = files.find(packed, files.root)!
  const bytes = unpacked(path)
  const entries = new Map([...tarEntries(bytes)].map((entry) => [basename(entry.name), entry]))
  return (name) => {
    const entry = entries.get(name)
    return entry && { path: `${path}/${entry.name}`, bytes: bytes.read(entry.at, entry.size) }
  }
}

function unpacked(path: string) {
  try {
    return bytesOf(path, gunzipSync(readKitFile(path), { maxOutputLength: mostBytes }))
  } catch (error) {
    if (error instanceof DataError) throw error
    throw new DataError(`${path}: cannot be unpacked (${(error as Error).message})`)
  }
}

function readKitFile(path: string): Buffer {
  try {
    return readRegular(path)
  } catch (error) {
    throw new DataError(`${path}: cannot be read (${(error as Error).message})`)
  }
}

/** WordNet ids by the kit's numbers, of the classes that stand above no others. */
function wnidsOf({ path, bytes }: KitFile): Map<number, string> {
  const synsets = readMatlab(bytes, path).get("synsets")
  const fail = (what: string): never => {
    throw new DataError(`${path}: expected the structures "synsets" of the development kit, ${what}`)
  }
  if (!Array.isArray(synsets) || typeof synsets[0] !== "object") return fail("found none")
  const wnids = new Map<number, string>()
  for (const [i, { ILSVRC2012_ID: id, WNID: wnid, num_children: children }] of synsets.entries()) {
    if (!isNumber(id) || !isNumber(children) || typeof wnid !== "string") {
      return fail(`with ILSVRC2012_ID, WNID and num_children; the ${i + 1}th has others`)
    }
    if (children[0] === 0) addClass(wnids, id[0], wnid, `${path}: synset ${i + 1}`)
  }
  return wnids
}

const isNumber = (value: unknown): value is readonly [number] =>
  Array.isArray(value) && value.length === 1 && typeof value[0] === "number"

function wnidsOfMap({ path, bytes }: KitFile): Map<number, string> {
  const wnids = new Map<number, string>()
  for (const [i, line] of bytes.toString("utf8").split("\n").entries()) {
    if (line.trim() === "") continue
    const [wnid = "", id = ""] = line.trim().split(/\s+/)
    addClass(wnids, /^\d+$/.test(id) ? Number(id) : Number.NaN, wnid, `${path}: line ${i + 1}`)
  }
  return wnids
}

function addClass(wnids: Map<number, string>, id: number, wnid: string, where: string): void {
  if (!Number.isInteger(id) || !/^n\d{8}$/.test(wnid)) {
    throw new DataError(
      `${where}: expected a number and a WordNet id such as n01440764, got ${id} and "${shown(wnid)}"`,
    )
  }
  if (wnids.has(id)) throw new DataError(`${where}: the number ${id} is there twice`)
  wnids.set(id, wnid)
}
