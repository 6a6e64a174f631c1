import { readdirSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { DataError } from "../src/core/errors.js"
import { didYouMean } from "../src/core/suggest.js"
import { NoSplitError } from "./faults.js"
import { isFile, isFolder } from "./folder.js"
import { FolderFiles, type FolderFilesOptions } from "./folder-files.js"
import type { ReadOptions } from "./options.js"

/** True for what `readCoco` reads. */
export function isCoco(source: string): boolean {
  return isFile(source) ? source.endsWith(".json") : cocoFiles(source).length > 0
}

/** Annotation files in the usual places, relative to the root. */
function cocoFiles(root: string): string[] {
  const list = (folder: string) =>
    isFolder(join(root, folder))
      ? readdirSync(join(root, folder))
          .sort()
          .map((name) => join(folder, name))
      : []
  const inAnnotations = list("annotations").filter((name) => name.endsWith(".json"))
  const instances = inAnnotations.filter((name) => basename(name).startsWith("instances"))
  // One folder a split with its own file, as Roboflow exports it.
  const beside = list(".").map((name) => join(name, "_annotations.coco.json"))
  return [...(instances.length > 0 ? instances : inAnnotations), ...beside.filter((name) => isFile(join(root, name)))]
}

/**
 * The annotation file of a split, or the file that `source` is.
 * @throws NoSplitError when there is none; DataError when there are several
 */
export function cocoFileOf(source: string, split: string): string {
  if (isFile(source)) return resolve(source)
  const root = source
  const files = cocoFiles(root)
  const nameOf = (file: string) =>
    basename(file) === "_annotations.coco.json" ? dirname(file) : basename(file, ".json").replace(/^instances_/, "")
  const names = files.map(nameOf)
  const exact = names.indexOf(split)
  const near = names.flatMap((name, index) => (name.replace(/[-_]?\d*$/, "") === split ? [index] : []))
  const alias = names.indexOf(split === "val" ? "valid" : split)
  const chosen = exact >= 0 ? exact : near.length === 1 ? near[0]! : alias
  if (chosen >= 0) return resolve(root, files[chosen]!)
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
  /** The absolute path of an image, undefined when it is in none of the folders. */
  find(name: string, where: string): string | undefined
}

/**
 * The folders named by the user, else the first of the usual ones that holds the images, and beside it all others:
 * COCO's trainval35k and minival lie in `train2014/` and `val2014/` both.
 * @param names of the images
 * @throws DataError for a folder that is not there
 */
export function imagePlaces(
  json: string,
  { images, split }: Pick<ReadOptions, "images" | "split">,
  names: readonly string[],
): ImagePlaces {
  if (images !== null) {
    const folders = isFolder(images) ? [images] : images.split("+")
    for (const folder of folders) {
      if (!isFolder(folder)) throw new DataError(`No folder ${folder} for the images of ${json}`)
    }
    return placesOf(folders.map((folder) => resolve(folder)))
  }
  const here = dirname(json)
  const root = basename(here) === "annotations" ? dirname(here) : here
  const name = basename(json, ".json").replace(/^instances_/, "")
  const usual = [
    ...(root === here ? [here] : []),
    ...[name, `images/${name}`, split, `images/${split}`, "images", "."].map((part) => join(root, part)),
  ]
  const few = names.slice(0, 20)
  const holds = (folder: string) => isFolder(folder) && few.some((one) => isFile(join(folder, one)))
  const first = usual.find(holds) ?? usual.find(isFolder) ?? root
  const others = [...usual, ...below(root), ...below(join(root, "images"))]
  return placesOf([...new Set([first, ...others.filter(isFolder)])])
}

function placesOf(folders: readonly string[]): ImagePlaces {
  const places = folders.map((folder) => new FolderFiles(folder))
  return {
    first: places[0]!,
    find(name, where) {
      for (const place of places) {
        const found = place.find(name, where)
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}

function below(folder: string): string[] {
  const entries = isFolder(folder) ? readdirSync(folder, { withFileTypes: true }) : []
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort()
}
