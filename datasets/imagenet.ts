import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { labelsByName } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { isFolder } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord, type RawObject } from "./record.js"
import { readAnnotation, type VocObject } from "./voc-xml.js"

const pictures = "Data/CLS-LOC"
const boxes = "Annotations/CLS-LOC"

/** The folder with `Data/` and `Annotations/`: the source itself, or `ILSVRC` in it. */
function rootOf(source: string): string | undefined {
  return [source, join(source, "ILSVRC")].find((root) => isFolder(join(root, pictures)) && isFolder(join(root, boxes)))
}

/** True for what `readImageNet` reads. */
export function isImageNet(source: string): boolean {
  return rootOf(source) !== undefined
}

/**
 * Reads ImageNet's localization data as they are given out (ILSVRC 2012, CLS-LOC): `Data/CLS-LOC/train/<wnid>/`,
 * `Data/CLS-LOC/val/` (flat, or sorted into classes), and a VOC file for each image with boxes in the same places of
 * `Annotations/CLS-LOC/`. Classes are the training folders' names; images without a file take no part, nor do blacklisted
 * ones. Corners count from 0 and the last pixel is inside: boxes are `[xmin, ymin, xmax + 1, ymax + 1]`.
 * @throws DataError for a folder without the split, or when a policy says so
 * @source ILSVRC development kit
 */
export function readImageNet(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const { split, classes: wanted, policies } = withDefaults("readImageNet", readDefaults, overrides)
  const root = rootOf(source)
  if (root === undefined) throw new DataError(`${source}: expected ${pictures}/ and ${boxes}/ in it`)
  const splits = foldersIn(join(root, boxes))
  if (!splits.includes(split)) {
    throw new NoSplitError(`${join(root, boxes)}: no split "${split}". There are: ${splits.join(", ")}`)
  }
  const log = new FaultLog(withPolicies(policies))
  const annotations = new FolderFiles(join(root, boxes, split))
  const images = new FolderFiles(join(root, pictures, split))
  const blacklist = split === "val" ? readBlacklist(root, source) : undefined
  const places = ["", ...foldersIn(annotations.root).map((wnid) => `${wnid}/`)]
  const files = places.flatMap((place) => {
    const named = new FolderFiles(join(annotations.root, place)).names().filter((name) => name.endsWith(".xml"))
    return named.map((name) => `${place}${name.slice(0, -4)}`).filter((id) => !blacklist?.numbers.has(numberOf(id)))
  })
  const found = files.flatMap((id) => {
    const where = `${boxes}/${split}/${id}.xml`
    const annotation = readAnnotation(annotations, `${id}.xml`, where, log)
    return annotation === undefined ? [] : [{ id, where, annotation }]
  })
  const named = found.flatMap(({ annotation }) => annotation.objects.map(({ name }) => name))
  const training = foldersIn(join(root, pictures, "train"))
  const classes = wanted ?? (training.length > 0 ? training : [...new Set(named)].sort())
  const labels = labelsByName(classes)
  const records: ImageRecord[] = []
  for (const { id, where, annotation } of found) {
    const file = findImage(images, id, annotation.objects[0]?.name, where)
    if (file === undefined) {
      log.report("missing-image", where, `${pictures}/${split}/${id}.JPEG is missing`)
      continue
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

function rawObject(
  { name, corners, difficult }: VocObject,
  index: number,
  labels: ReadonlyMap<string, number>,
  where: string,
  log: FaultLog,
): RawObject[] {
  const label = labels.get(name)
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
