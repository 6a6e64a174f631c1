import { readdirSync, readFileSync } from "node:fs"
import { basename, dirname, extname, isAbsolute, join, resolve } from "node:path"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { didYouMean } from "../src/core/suggest.js"
import { labelsByName, orderClasses } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { expectInside, FolderFiles, isFile, isFolder } from "./folder.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord, type RawObject } from "./record.js"
import { readAnnotation, type VocAnnotation } from "./voc-xml.js"

interface ReadFile {
  readonly id: string
  readonly file: string
  /** The annotation file, as faults name it. */
  readonly where: string
  readonly annotation: VocAnnotation
  readonly zeroBased: boolean
}

/**
 * Reads PASCAL VOC: a folder with `JPEGImages/` and `Annotations/`, a `VOCdevkit` with years in it, or several of these
 * joined with `+` (`VOCdevkit/VOC2007+VOC2012`). Corners become `[xmin - 1, ymin - 1, xmax, ymax]`.
 * @throws DataError when there is no such folder or split, or a policy says so
 * @source detectron2 `data/datasets/pascal_voc.py`
 */
export function readVoc(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readVoc", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const notices: string[] = []
  const all = vocFolders(source)
  const { folders, split } = ofOneYear(all, options.split)
  const parts = folders.length > 1 ? foldersWithSplit(folders, split, notices) : folders
  const files = parts.flatMap((folder) => {
    const prefix = all.length > 1 ? `${basename(folder)}/` : ""
    return readFolder(folder, prefix, { ...options, split }, log, notices)
  })
  const found = files.flatMap(({ annotation }) => annotation.objects.map(({ name }) => name)).filter((name) => name)
  const classes = options.classes ?? orderClasses(found)
  const labels = labelsByName(classes)
  const seen = new Set<string>()
  const images: ImageRecord[] = []
  for (const file of files) {
    // Two years may use one name: the folder then tells them apart.
    const id = seen.has(file.id) ? file.where.replace(/Annotations\/|\.xml$/g, "") : file.id
    seen.add(id)
    const { width, height } = file.annotation
    const objects = file.annotation.objects.flatMap((_, index) => rawObject(file, index, labels, log))
    images.push(
      buildRecord({ id, imageId: images.length + 1, file: file.file, width, height }, objects, file.where, log),
    )
  }
  const categoryIds = classes.map((_, index) => index + 1)
  return { format: "voc", source, split: options.split, classes, categoryIds, images, faults: log.faults, notices }
}

/** True for what `readVoc` reads. */
export function isVoc(source: string): boolean {
  return source.split("+").length > 1 || yearsOf(resolve(source)).length > 0
}

function vocFolders(source: string): string[] {
  const names = isFolder(source) ? [source] : source.split("+")
  const base = dirname(resolve(names[0]!))
  const folders = names.flatMap((name) => {
    const near = isFolder(name) || isAbsolute(name) ? resolve(name) : join(base, name)
    const years = yearsOf(near)
    if (years.length === 0) {
      throw new DataError(`No VOC data in ${name}: expected a folder with JPEGImages/ and Annotations/, or a VOCdevkit`)
    }
    return years
  })
  return [...new Set(folders)]
}

function yearsOf(folder: string): string[] {
  const isYear = (path: string) => isFolder(join(path, "JPEGImages")) && isFolder(join(path, "Annotations"))
  if (isYear(folder)) return [folder]
  const devkit = isFolder(join(folder, "VOCdevkit")) ? join(folder, "VOCdevkit") : folder
  if (!isFolder(devkit)) return []
  const inside = readdirSync(devkit)
    .sort()
    .map((name) => join(devkit, name))
  return inside.filter(isYear)
}

/** `VOC2007/test` is the split `test` of the folder `VOC2007` alone. */
function ofOneYear(all: readonly string[], asked: string): { folders: readonly string[]; split: string } {
  const at = asked.lastIndexOf("/")
  if (at < 0) return { folders: all, split: asked }
  const year = asked.slice(0, at)
  const folders = all.filter((folder) => basename(folder) === year)
  if (folders.length > 0) return { folders, split: asked.slice(at + 1) }
  const years = all.map((folder) => basename(folder))
  throw new NoSplitError(
    `No folder "${year}" for split "${asked}".${didYouMean(year, years)} There: ${years.join(", ")}`,
  )
}

function foldersWithSplit(folders: readonly string[], split: string, notices: string[]): string[] {
  const having = folders.filter((folder) => !hasSplits(folder) || splitFiles(folder, split).length > 0)
  if (having.length === 0) expectSplit(folders[0]!, split)
  const lacking = folders.filter((folder) => !having.includes(folder)).map((folder) => basename(folder))
  if (lacking.length > 0) notices.push(`${lacking.join(", ")} has no split "${split}" and is left out`)
  notices.push(`joined ${having.map((folder) => basename(folder)).join(" + ")}`)
  return having
}

function hasSplits(folder: string): boolean {
  return splitNames(folder).length > 0
}

function splitNames(folder: string): string[] {
  const main = join(folder, "ImageSets", "Main")
  return isFolder(main)
    ? readdirSync(main)
        .filter((name) => name.endsWith(".txt"))
        .map((name) => name.slice(0, -4))
    : []
}

function splitFiles(folder: string, split: string): string[] {
  const at = (name: string) => join(folder, "ImageSets", "Main", `${name}.txt`)
  if (isFile(at(split))) return [at(split)]
  return split === "trainval" && isFile(at("train")) && isFile(at("val")) ? [at("train"), at("val")] : []
}

function expectSplit(folder: string, split: string): string[] {
  expectInside(split, "split")
  const files = splitFiles(folder, split)
  if (files.length > 0) return files
  const names = splitNames(folder)
  throw new NoSplitError(
    `No split "${split}" in ${join(folder, "ImageSets", "Main")}.${didYouMean(split, names)} There: ${names.join(", ")}`,
  )
}

function idsOf(folder: string, annotations: FolderFiles, options: ReadOptions, notices: string[]): string[] {
  if (!hasSplits(folder)) {
    notices.push(`${basename(folder)} has no ImageSets/Main: all its images are taken as "${options.split}"`)
    return annotations
      .names()
      .filter((name) => name.endsWith(".xml"))
      .map((name) => name.slice(0, -4))
  }
  const lines = expectSplit(folder, options.split).flatMap((file) => readFileSync(file, "utf8").split(/\r?\n/))
  // The lists of one class carry a flag behind the name.
  return lines.map((line) => line.trim().replace(/\s+(-1|0|1)$/, "")).filter((id) => id !== "")
}

function readFolder(
  folder: string,
  prefix: string,
  options: ReadOptions,
  log: FaultLog,
  notices: string[],
): ReadFile[] {
  const annotations = new FolderFiles(join(folder, "Annotations"))
  const images = new FolderFiles(join(folder, "JPEGImages"))
  const stems = images.imagesByStem()
  const zeroBased = isZeroBased(folder, annotations, options, notices)
  const seen = new Set<string>()
  return idsOf(folder, annotations, options, notices).flatMap((id) => {
    const where = `${prefix}Annotations/${id}.xml`
    expectInside(id, `${prefix}ImageSets/Main/${options.split}.txt`)
    if (seen.has(id)) {
      log.report("duplicate-id", where, `"${id}" is listed twice in "${options.split}"`)
      return []
    }
    seen.add(id)
    const annotation = readAnnotation(annotations, `${id}.xml`, where, log)
    if (annotation === undefined) return []
    if (annotation.filename !== "") expectInside(annotation.filename, where)
    // By id, as the VOC kit does: copied annotations often still give the file name of another image.
    const file = images.find(stems.get(id) ?? `${id}.jpg`, where)
    if (file === undefined) {
      log.report("missing-image", where, `JPEGImages/${stems.get(id) ?? `${id}.jpg`} is missing`)
      return []
    }
    return [{ id, file, where, annotation, zeroBased }]
  })
}

/** Looks at the whole folder, so that all its splits are read alike. */
function isZeroBased(folder: string, annotations: FolderFiles, options: ReadOptions, notices: string[]): boolean {
  if (options.corners !== "auto") return options.corners === "zero-based"
  const zero = /<[xy]min>\s*0+(\.0*)?\s*</
  const sign = annotations.names().find((name) => {
    if (extname(name) !== ".xml") return false
    const path = annotations.find(name, `Annotations/${name}`)
    return path !== undefined && zero.test(readFileSync(path, "latin1"))
  })
  if (sign === undefined) return false
  notices.push(
    `${basename(folder)}: corners are taken as 0-based, because Annotations/${sign} has a corner at 0 (VOC counts from 1)`,
  )
  return true
}

function rawObject(file: ReadFile, index: number, labels: ReadonlyMap<string, number>, log: FaultLog): RawObject[] {
  const { name, difficult, corners } = file.annotation.objects[index]!
  if (name === "") {
    log.report("broken-annotation", file.where, "the object has no <name>", index)
    return []
  }
  const label = labels.get(name)
  if (label === undefined) {
    const hint = didYouMean(name, [...labels.keys()])
    log.report("unknown-class", file.where, `"${name}" is not among the classes.${hint}`, index)
    return []
  }
  const [xmin, ymin, xmax, ymax] = corners
  const first = file.zeroBased ? 0 : 1
  // One pixel wide by VOC's counting, but in practice a click without a drag.
  const empty = xmax <= xmin || ymax <= ymin ? { empty: `the corners ${corners.join(" ")} enclose no area` } : {}
  return [{ index, box: [xmin - first, ymin - first, xmax, ymax], label, difficult, ...empty }]
}
