import { readdirSync, readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { labelsByName } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { expectInside, isFile, isFolder } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord, type RawObject } from "./record.js"
import { readLines } from "./text.js"
import { readAnnotation, type VocAnnotation, type VocObject } from "./voc-xml.js"

/** ImageNet's tasks with boxes: localization, detection, detection in video. */
const tasks = ["CLS-LOC", "DET", "VID"] as const

interface Task {
  readonly name: (typeof tasks)[number]
  /** The folder with `Data/`, `Annotations/` and `ImageSets/`. */
  readonly root: string
  readonly pictures: string
  readonly boxes: string
}

/** The task of a source, or of `ILSVRC` in it; of several the first, unless the source is `Data/<task>` itself. */
function taskOf(source: string): Task | undefined {
  const named = tasks.find((name) => name === basename(source) && basename(dirname(source)) === "Data")
  if (named !== undefined) {
    const root = dirname(dirname(source))
    return isFolder(join(root, `Annotations/${named}`))
      ? { name: named, root, pictures: `Data/${named}`, boxes: `Annotations/${named}` }
      : undefined
  }
  for (const root of [source, join(source, "ILSVRC"), join(source, "ILSVRC2015"), join(source, "ILSVRC2017")]) {
    for (const name of tasks) {
      const [pictures, boxes] = [`Data/${name}`, `Annotations/${name}`]
      if (isFolder(join(root, pictures)) && isFolder(join(root, boxes))) return { name, root, pictures, boxes }
    }
  }
  return undefined
}

/** True for what `readImageNet` reads. */
export function isImageNet(source: string): boolean {
  return taskOf(source) !== undefined
}

/**
 * Reads ImageNet's data with boxes as they are given out (ILSVRC): `Data/<task>/<split>/`, and a VOC file for each image with
 * boxes in the same places of `Annotations/<task>/`. CLS-LOC: classes are the training folders' names, `val/` may be flat or sorted
 * into classes, images without a file take no part, nor do blacklisted ones. DET and VID: images are those of the lists
 * `ImageSets/<task>/<split>*.txt`, those without a file have no objects (negatives); a list of another name, such as R-CNN's
 * `val1.txt`, is a split of the folder that its name begins with. Corners count from 0 and the last pixel
 * is inside: boxes are `[xmin, ymin, xmax + 1, ymax + 1]`.
 * @throws DataError for a folder without the split, or when a policy says so
 * @source ILSVRC development kits
 */
export function readImageNet(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const { split, classes: wanted, policies, followLinks } = withDefaults("readImageNet", readDefaults, overrides)
  const task = taskOf(source)
  if (task === undefined)
    throw new DataError(`${source}: expected Data/CLS-LOC/ and Annotations/CLS-LOC/ in it, or those of DET or VID`)
  const { root, pictures, boxes } = task
  const splits = foldersIn(join(root, boxes))
  const folder = splits.includes(split) ? split : folderOfList(task, split, splits)
  if (folder === undefined) {
    throw new NoSplitError(`${join(root, boxes)}: no split "${split}". There are: ${splits.join(", ")}`)
  }
  const log = new FaultLog(withPolicies(policies))
  const links = { within: root, followLinks }
  const annotations = new FolderFiles(join(root, boxes, folder), links)
  const images = new FolderFiles(join(root, pictures, folder), links)
  const blacklist = split === "val" && task.name === "CLS-LOC" ? readBlacklist(root, source) : undefined
  const annotated = annotations
    .below()
    .filter((name) => name.endsWith(".xml"))
    .map((name) => name.slice(0, -4))
  const listed = task.name === "CLS-LOC" ? [] : listedNames(task, split, annotations, images)
  const ids = [...new Set([...(folder === split ? annotated : []), ...listed])].filter(
    (id) => !blacklist?.numbers.has(numberOf(id)),
  )
  const known = new Set(annotated)
  const found = ids.flatMap((id): { id: string; where: string; annotation: VocAnnotation }[] => {
    const where = `${boxes}/${folder}/${id}.xml`
    if (!known.has(id)) return [{ id, where, annotation: { filename: "", width: 0, height: 0, objects: [] } }]
    const annotation = readAnnotation(annotations, `${id}.xml`, where, log)
    return annotation === undefined ? [] : [{ id, where, annotation }]
  })
  const named = found.flatMap(({ annotation }) => annotation.objects.map(({ name }) => name))
  const training = task.name === "CLS-LOC" ? foldersIn(join(root, pictures, "train")) : []
  const classes = wanted ?? (training.length > 0 ? training : [...new Set(named)].sort())
  const labels = labelsByName(classes)
  const records: ImageRecord[] = []
  for (const { id, where, annotation } of found) {
    let file = findImage(images, id, annotation.objects[0]?.name, where)
    if (file === undefined) {
      const missing = `${pictures}/${folder}/${id}.JPEG`
      if (log.report("missing-image", where, `${missing} is missing`) !== "kept") continue
      file = join(root, missing)
    }
    const { width, height, objects } = annotation
    const raw = objects.flatMap((object, index) => rawObject(object, index, labels, where, log))
    records.push(buildRecord({ id, imageId: records.length + 1, file, width, height }, raw, where, log))
  }
  return {
    ...{ format: "imagenet", source, split, classes, categoryIds: classes.map((_, index) => index + 1) },
    ...{ images: records, faults: log.faults, notices: blacklist ? [blacklist.notice] : [] },
  }
}

/** The folder of a split that only a list of DET or VID knows. */
function folderOfList({ name, root }: Task, split: string, splits: readonly string[]): string | undefined {
  expectInside(split, "split")
  if (name === "CLS-LOC" || !isFile(join(root, "ImageSets", name, `${split}.txt`))) return undefined
  return splits.find((folder) => split.startsWith(folder))
}

/**
 * The images that a split's lists name, with their folders. DET's training lists name one class each with 1, -1 or 0 behind an
 * image, VID's name whole videos; the lists of validation have the place of an image behind it.
 */
function listedNames({ name, root }: Task, split: string, annotations: FolderFiles, images: FolderFiles): string[] {
  const lists = join(root, "ImageSets", name)
  if (!isFolder(lists)) return []
  const isOf = (list: string) =>
    list.startsWith(split) && /^(_(\d+|neg|pos_\d+|part_\d+))?\.txt$/.test(list.slice(split.length))
  const names = readdirSync(lists)
    .filter(isOf)
    .flatMap((list) => readLines(join(lists, list)))
  const first = [...new Set(names.map((line) => line.split(/\s+/)[0]!))]
  const folders = foldersIn(images.root)
  return first.flatMap((id) => {
    // A video is a folder of frames; one without annotations takes no part.
    if (isFolder(join(images.root, id))) return []
    const places = [id, ...folders.map((folder) => `${folder}/${id}`)]
    return places.find((place) => annotations.has(`${place}.xml`) || isFile(join(images.root, `${place}.JPEG`))) ?? id
  })
}

function rawObject(
  { name, corners, difficult, problem }: VocObject,
  index: number,
  labels: ReadonlyMap<string, number>,
  where: string,
  log: FaultLog,
): RawObject[] {
  const label = labels.get(name)
  if (problem !== undefined) {
    log.report("broken-annotation", where, problem, index)
    return []
  }
  if (label === undefined) {
    log.report("unknown-class", where, `"${name}" is not among the classes`, index)
    return []
  }
  const [xmin, ymin, xmax, ymax] = corners
  return [{ index, box: [xmin, ymin, xmax + 1, ymax + 1], label, difficult }]
}

/** An image by its annotation's place; one of a flat annotation may lie in its class's folder. */
function findImage(images: FolderFiles, id: string, wnid: string | undefined, where: string): string | undefined {
  const places = [id, ...(wnid === undefined || id.includes("/") ? [] : [`${wnid}/${id}`])]
  const names = places.flatMap((place) => [".JPEG", ".jpeg", ".jpg"].map((ending) => place + ending))
  for (const name of names) {
    const file = images.find(name, where)
    if (file !== undefined) return file
  }
  return undefined
}

/** The validation images that do not count, by the numbers in their names; the development kit has the list. */
function readBlacklist(root: string, source: string) {
  const folders = [source, root, ...["devkit/data", "devkit", "data"].map((name) => join(root, name))]
  for (const folder of folders.filter(isFolder)) {
    const name = readdirSync(folder).find((name) => name.endsWith("clsloc_validation_blacklist.txt"))
    if (name === undefined) continue
    const lines = readFileSync(join(folder, name), "utf8").split(/\s+/)
    const numbers = new Set(lines.filter((line) => line !== "").map(Number))
    return { numbers, notice: `the ${numbers.size} images of ${name} do not count` }
  }
  return {
    numbers: new Set<number>(),
    notice: "no *clsloc_validation_blacklist.txt of the development kit: every image counts",
  }
}

/** 293 for `ILSVRC2012_val_00000293`. */
function numberOf(id: string): number {
  return Number(/_(\d+)$/.exec(basename(id))?.[1] ?? Number.NaN)
}

function foldersIn(folder: string): string[] {
  if (!isFolder(folder)) return []
  const names = readdirSync(folder).filter((name) => !name.startsWith("."))
  return names.filter((name) => isFolder(join(folder, name))).sort()
}
