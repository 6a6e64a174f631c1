import { DataError, unlessBroken } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { shown } from "../src/core/shown.js"
import { withAnnotationFrame } from "./annotation-frame.js"
import { readCoco } from "./coco.js"
import { isCoco } from "./coco-files.js"
import { isCsv, readCsv } from "./csv.js"
import type { Dataset, DatasetFormat } from "./dataset.js"
import { isFile, isFolder } from "./folder.js"
import { isImageNet, readImageNet } from "./imagenet.js"
import { joinSplits } from "./join-splits.js"
import { isLabelme, readLabelme } from "./labelme.js"
import { nearestLayout } from "./nearest-layout.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { settleSizes } from "./settle-sizes.js"
import { isZip, unzipped } from "./unzip.js"
import { isVia, readVia } from "./via.js"
import { isVoc, readVoc } from "./voc.js"
import { isVocFolder } from "./voc-folders.js"
import { isYolo, readYolo } from "./yolo.js"

/**
 * Which format a folder or file holds.
 * @throws DataError when it is none of those we read
 */
export function recognizeFormat(source: string): DatasetFormat {
  if (isVia(source)) return "via"
  if (isYolo(source, "here")) return "yolo"
  if (isImageNet(source)) return "imagenet"
  if (isVocFolder(source)) return "voc"
  if (isCoco(source)) return "coco"
  // What lies deeper may be a copy in another format, such as an export.
  if (isVoc(source)) return "voc"
  if (isYolo(source)) return "yolo"
  if (isLabelme(source)) return "labelme"
  if (isCsv(source)) return "csv"
  if (!isFolder(source) && !isFile(source)) throw new DataError(`No data at ${source}: there is no such file or folder`)
  throw new DataError(
    `No data set recognised in ${source}: expected JPEGImages/ + Annotations/ (VOC), ` +
      "annotations/instances_*.json or a JSON file (COCO), a data.yaml (YOLO), Data/ + Annotations/ (ImageNet), " +
      `JSON files of labelme or VIA, or train.csv with path,x1,y1,x2,y2,class. ${nearestLayout(source)}`,
  )
}

/** The format of data with boxes; undefined for others. */
export const formatWithBoxes = (source: string): DatasetFormat | undefined =>
  unlessBroken(() => recognizeFormat(source))

/**
 * Reads a data set of any format we know, also out of a zip archive; the result's `format` says which. Splits joined with `+`
 * are read together.
 * @throws DataError when nothing is recognised, the split is missing, or a policy says so
 */
export async function readDataset(source: string, overrides: Partial<ReadOptions> = {}): Promise<Dataset> {
  const options = withDefaults("readDataset", readDefaults, overrides)
  if (isZip(source)) {
    const folder = await unzipped(source)
    const set = await readDataset(folder, overrides)
    return { ...set, notices: [`${source} is unpacked in ${folder}`, ...(set.notices ?? [])] }
  }
  const format = options.format ?? recognizeFormat(source)
  const splits = options.split.split("+")
  if (splits.length > 1) {
    const parts: Dataset[] = []
    for (const split of splits) parts.push(await readDataset(source, { ...options, format, split }))
    return joinSplits(parts, options.policies)
  }
  const found = await readFormat(format, source, options)
  expectNames(found)
  return settleSizes(await withAnnotationFrame(found), options.sizeMismatch)
}

/** Result files and folders are named after classes. @throws DataError where one has no name */
function expectNames({ source, classes }: Dataset): void {
  if (classes.every((name) => name.trim() !== "")) return
  const names = shown(classes.map((name) => JSON.stringify(name)).join(", "))
  throw new DataError(`${source}: expected every class to have a name, got ${names}`)
}

function readFormat(format: DatasetFormat, source: string, options: ReadOptions): Dataset | Promise<Dataset> {
  if (format === "imagenet") return readImageNet(source, options)
  if (format === "voc") return readVoc(source, options)
  if (format === "labelme") return readLabelme(source, options)
  if (format === "csv") return readCsv(source, options)
  if (format === "via") return readVia(source, options)
  if (format === "yolo") return readYolo(source, options)
  return readCoco(source, options)
}
