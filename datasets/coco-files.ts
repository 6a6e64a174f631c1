import { readdirSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { DataError } from "../src/core/errors.js"
import { didYouMean } from "../src/core/suggest.js"
import { NoSplitError } from "./faults.js"
import { isFile, isFolder } from "./folder.js"
import { FolderFiles, type FolderFilesOptions } from "./folder-files.js"
import type { ReadOptions } from "./options.js"
import { splitAliases, splitFolders } from "./split-folders.js"
import { readHead } from "./text.js"

/** An annotation file of a root. */
interface CocoJson {
  readonly path: string
  /** What its name or folder says of its split. */
  readonly name: string
}

/** True for what `readCoco` reads. */
export function isCoco(source: string): boolean {
  return isFile(source) ? /\.json(\.gz)?$/i.test(source) : cocoFiles(source).length > 0
}

/**
 * Annotation files in the usual places: `annotations/`, else a folder for each split with its own (Roboflow, FiftyOne,
 * Supervisely), else beside the images' folder (Label Studio).
 */
function cocoFiles(root: string): CocoJson[] {
  if (!isFolder(root)) return []
  const inAnnotations = jsonIn(join(root, "annotations")).map((path) => ({ path, name: splitName(path) }))
  const instances = inAnnotations.filter(({ path }) => basename(path).startsWith("instances"))
  // One folder a split with its own file, as Roboflow exports it.
  const beside = below(root).flatMap((folder) => {
    const own = join(folder, "_annotations.coco.json")
    return isFile(own) ? [{ path: own, name: basename(folder) }] : []
  })
  const usual = [...(instances.length > 0 ? instances : inAnnotations), ...beside]
  if (usual.length > 0) return usual
  const ofSplits = splitFolders(root, () => true).flatMap(({ path }) => {
    const found = [...jsonIn(join(path, "annotations")), ...jsonIn(path)].find(looksLikeCoco)
    return found === undefined ? [] : [{ path: found, name: basename(path) }]
  })
  if (ofSplits.length > 0) return ofSplits
  return jsonIn(root)
    .filter(looksLikeCoco)
    .map((path) => ({ path, name: splitName(path) }))
}

function jsonIn(folder: string): string[] {
  if (!isFolder(folder)) return []
  const names = readdirSync(folder).filter((name) => /\.json(\.gz)?$/i.test(name) && !name.startsWith("._"))
  return names.sort().map((name) => join(folder, name))
}

/** `train2017` of `instances_train2017.json`. */
const splitName = (path: string) =>
  basename(path)
    .replace(/\.json(\.gz)?$/i, "")
    .replace(/^(instances|person_keypoints|annotations|labels|coco|lvis_v[\d.]+)_/, "")

/** By the first keys of a file that may lie among others. */
function looksLikeCoco(path: string): boolean {
  const head = readHead(path)
  return (
    /^\s*\{/.test(head) &&
    /"(images|annotations|categories|licenses|info)"\s*:/.test(head) &&
    !/"(shapes|regions)"\s*:/.test(head)
  )
}

/** What tools call the one file of a set that is not divided. */
const isNoSplit = (name: string) => /^(default|all|labels?|results?|annotations?|coco|instances|data)$/i.test(name)

/** Whether a source has one annotation file only, which is that of no split. */
export function isUndividedCoco(source: string): boolean {
  if (isFile(source)) return true
  const files = cocoFiles(source)
  return files.length === 1 && isNoSplit(files[0]!.name)
}

/**
 * The annotation file of a split, or the file that `source` is.
 * @throws NoSplitError when there is none; DataError when there are several
 */
export function cocoFileOf(source: string, split: string): string {
  if (isFile(source)) return resolve(source)
  const root = source
  const files = cocoFiles(root)
  const names = files.map(({ name }) => name)
  if (files.length === 1 && isNoSplit(names[0]!)) return resolve(files[0]!.path)
  const exact = names.indexOf(split)
  const near = names.flatMap((name, index) => (name.replace(/[-_]?\d*$/, "") === split ? [index] : []))
  const alias = names.findIndex((name) => splitAliases.get(name.toLowerCase()) === split)
  const chosen = exact >= 0 ? exact : near.length === 1 ? near[0]! : alias
  if (chosen >= 0) return resolve(files[chosen]!.path)
  if (near.length > 1) {
    throw new DataError(`Several annotation files for "${split}" in ${root}: name one of ${near.map((i) => names[i])}`)
  }
  throw new NoSplitError(
    `No split "${split}" in ${root}.${didYouMean(split, names)} There: ${names.join(", ") || "none"}`,
  )
}

/** Where the images of an annotation file are: one folder, and others for those that are not in it. */
export interface ImagePlaces {
  /** Named where an image is missing. */
  readonly first: FolderFiles
  /**
   * The absolute path of an image, undefined when it is in none of the folders.
   * @throws DataError for a name that leads out of them all
   */
  find(name: string, where: string): string | undefined
  /** As `find`, by the last parts of the name alone: for files whose images all lie elsewhere than they say. */
  findEnding(name: string, where: string): string | undefined
  /** What was found otherwise than it is named. */
  notices(): string[]
}

/**
 * The folders named by the user, else the first of the usual ones that holds the images, and beside it all others:
 * COCO's trainval35k and minival lie in `train2014/` and `val2014/` both.
 * @param names of the images
 * @throws DataError for a folder that is not there
 */
export function imagePlaces(
  json: string,
  { images, split, followLinks }: Pick<ReadOptions, "images" | "split" | "followLinks">,
  names: readonly string[],
): ImagePlaces {
  if (images !== null) {
    const folders = isFolder(images) ? [images] : images.split("+")
    for (const folder of folders) {
      if (!isFolder(folder)) throw new DataError(`No folder ${folder} for the images of ${json}`)
    }
    return placesOf(
      folders.map((folder) => resolve(folder)),
      { followLinks },
    )
  }
  const here = dirname(json)
  const root = basename(here) === "annotations" ? dirname(here) : here
  const name = splitName(json)
  const usual = [
    ...(root === here ? [here] : []),
    ...[name, `images/${name}`, split, `images/${split}`, "images", "img", "data", "."].map((part) => join(root, part)),
  ]
  const few = names.slice(0, 20)
  const holds = (folder: string) =>
    isFolder(folder) && few.some((one) => isFile(join(folder, one.replaceAll("\\", "/"))))
  const first = usual.find(holds) ?? usual.find(isFolder) ?? root
  const others = [...usual, ...below(root), ...below(join(root, "images"))]
  return placesOf([...new Set([first, ...others.filter(isFolder)])], { within: root, followLinks })
}

function placesOf(folders: readonly string[], links: Partial<FolderFilesOptions>): ImagePlaces {
  const places = folders.map((folder) => new FolderFiles(folder, links))
  return {
    first: places[0]!,
    find(name, where) {
      let refusal: unknown
      for (const place of places) {
        try {
          const found = place.find(name, where)
          if (found !== undefined) return found
        } catch (error) {
          refusal ??= error
        }
      }
      if (refusal !== undefined) throw refusal
      return undefined
    },
    findEnding(name, where) {
      for (const place of places) {
        const found = place.findEnding(name, where)
        if (found !== undefined) return found
      }
      return undefined
    },
    notices: () => places.flatMap((place) => place.notices()),
  }
}

function below(folder: string): string[] {
  const entries = isFolder(folder) ? readdirSync(folder, { withFileTypes: true }) : []
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort()
}
