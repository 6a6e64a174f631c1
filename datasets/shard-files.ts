import { basename, dirname } from "node:path"
import { DataError } from "../src/core/errors.js"
import { NoSplitError } from "./faults.js"
import { isFile, isFolder } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { wholeSplit } from "./image-folder.js"
import { splitAliases, splitFolders, usualSplit } from "./split-folders.js"

/** The archives of a split. */
export interface ShardFiles {
  /** Paths, in the order of their names. */
  readonly files: readonly string[]
  readonly split: string
  /** Where a list of classes may lie: the folders of the archives, and the source. */
  readonly folders: readonly string[]
}

/** ImageNet-21k has 13,000 archives of 1,000 images. */
const mostShards = 100_000

const isTar = (name: string) => name.endsWith(".tar")

/** Whether a source is an archive, a pattern of such as `shard-{000000..000009}.tar`, or a folder with some in it. */
export function isShards(source: string): boolean {
  if (isFile(source) || !isFolder(source)) return isTar(source) && (isFile(source) || source.includes("{"))
  return shardsBelow(source).length > 0
}

/**
 * The archives of a source that belong to a split by their names (`imagenet-train-000003.tar`) or folders (`train/000003.tar`);
 * all of them where no name tells a split.
 * @throws DataError for a pattern that is none, an archive that a pattern names and is missing, a split without archives
 */
export function shardFiles(source: string, split: string, followLinks = false): ShardFiles {
  const finder = isFolder(source) ? new FolderFiles(source, { followLinks }) : undefined
  const all = finder === undefined ? archivesOf(source) : shardsBelow(source)
  const within = (name: string) => (finder === undefined ? basename(name) : name)
  const known = [...new Set(splitAliases.values())].filter((one) => all.some((name) => isOf(within(name), one)))
  const names = known.length === 0 ? all : all.filter((name) => isOf(within(name), split))
  if (names.length === 0) throw new NoSplitError(`${source}: no split "${split}". There are: ${known.join(", ")}`)
  const files = names.map((name) => {
    const path = finder === undefined ? name : finder.find(name, source)
    if (path !== undefined && isFile(path)) return path
    throw new DataError(`${source}: there is no file ${path ?? name}`)
  })
  const folders = [...files.map((file) => dirname(file)), ...(finder === undefined ? [] : [finder.root])]
  return { files, split: known.length === 0 ? wholeSplit : split, folders: [...new Set(folders)] }
}

/** Whether a name or its folder has a word that means the split. */
const isOf = (name: string, split: string): boolean =>
  name
    .toLowerCase()
    .split(/[^a-z]+/)
    .some((word) => usualSplit(word) === split)

/** The archives in a folder, or in those of its splits. */
function shardsBelow(source: string): string[] {
  const here = new FolderFiles(source).names().filter(isTar)
  if (here.length > 0) return here
  return splitFolders(source, () => true).flatMap(({ path }) =>
    new FolderFiles(path)
      .names()
      .filter(isTar)
      .map((name) => `${basename(path)}/${name}`),
  )
}

/**
 * The names that a pattern means: `{000000..000009}` counts, `{a,b}` are choices. Nothing else is special.
 * @throws DataError for braces of another kind, or more names than anybody has
 */
export function archivesOf(pattern: string): string[] {
  const [whole, before, inner, after] = /^([^{}]*)\{([^{}]*)\}(.*)$/s.exec(pattern) ?? []
  if (whole === undefined) {
    if (/[{}]/.test(pattern))
      throw new DataError(`${pattern}: expected {000000..000009} or {train,val}, and no braces within braces`)
    return [pattern]
  }
  const [first, rest] = [choices(inner!, pattern), archivesOf(after!)]
  const count = first.length * rest.length
  if (count > mostShards) throw new DataError(`${pattern}: means ${count} files, more than ${mostShards}`)
  return first.flatMap((one) => rest.map((other) => before! + one + other))
}

function choices(inner: string, pattern: string): string[] {
  const range = /^(\d+)\.\.(\d+)$/.exec(inner)
  if (range === null) {
    if (inner.includes(",")) return inner.split(",")
    throw new DataError(`${pattern}: expected {000000..000009} or {train,val}, got {${inner}}`)
  }
  const [first, last] = [range[1]!, range[2]!]
  const count = Number(last) - Number(first) + 1
  if (!(count >= 1 && count <= mostShards)) {
    throw new DataError(`${pattern}: {${inner}} counts up to ${count} files: expected 1 to ${mostShards}`)
  }
  return Array.from({ length: count }, (_, i) => String(Number(first) + i).padStart(first.length, "0"))
}
