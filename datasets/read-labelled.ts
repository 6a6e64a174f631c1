import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { shown } from "../src/core/shown.js"
import { type CifarSet, isCifar, readCifar } from "./cifar.js"
import { NoSplitError } from "./faults.js"
import { isFile, isFolder } from "./folder.js"
import { isIlsvrc, readIlsvrc } from "./ilsvrc.js"
import { isImageFolder, readImageFolder } from "./image-folder.js"
import type { LabelledPhotos } from "./labelled-photos.js"
import { type LabelledOptions, labelledDefaults } from "./labelled-set.js"
import { formatWithBoxes } from "./read.js"
import { isShards } from "./shard-files.js"
import { usualSplit } from "./split-folders.js"
import { isZip, unzipped } from "./unzip.js"
import { readWebDataset } from "./webdataset.js"

/** A classification set as it was read: its `format` tells which. */
export type ReadLabelledSet = CifarSet | LabelledPhotos

/**
 * Reads a classification set of any format we know, also out of a zip archive; the result's `format` says which.
 * @throws DataError when nothing is recognised, the split is missing, or a file is broken
 */
export async function readLabelled(source: string, overrides: Partial<LabelledOptions> = {}): Promise<ReadLabelledSet> {
  const given = withDefaults("readLabelled", labelledDefaults, overrides)
  const options = { ...given, split: usualSplit(given.split) }
  if (isZip(source)) {
    const folder = await unzipped(source)
    const set = await readLabelled(folder, options)
    return { ...set, notices: [`${source} is unpacked in ${folder}`, ...(set.notices ?? [])] }
  }
  const format = labelledFormat(source, options.split)
  if (format === "cifar10") return readCifar(source, options)
  if (format === "ilsvrc") return readIlsvrc(source, options)
  if (format === "folder") return readClasses(source, options)
  if (format === "webdataset") return readWebDataset(source, options)
  if (!isFolder(source) && !isFile(source)) throw new DataError(`No data at ${source}: there is no such file or folder`)
  throw new DataError(
    `No classification set recognised in ${source}: expected train/<class>/ and val/<class>/ or <class>/ with images, ` +
      "ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar with the development kit, tar shards of key.jpg and key.cls, " +
      "or CIFAR-10's binary files (data_batch_1.bin, test_batch.bin, batches.meta.txt)",
  )
}

/** @throws DataError that tells data with boxes, and a folder without any of the classes, from one whose classes lack images */
function readClasses(source: string, options: LabelledOptions): LabelledPhotos {
  let broken: DataError
  try {
    const set = readImageFolder(source, options)
    if (set.labels.length > 0) return set
    const names = (options.classes ?? []).slice(0, 5).map(shown).join(", ")
    broken = new DataError(`${source}: no images of the classes that are asked for: ${names}`)
  } catch (error) {
    if (!(error instanceof DataError) || error instanceof NoSplitError) throw error
    broken = error
  }
  const boxes = formatWithBoxes(source)
  if (boxes === undefined) throw broken
  throw new DataError(
    `${source}: ${boxes.toUpperCase()} data, with boxes: \`train\` takes them. Expected a folder for each class with its images`,
  )
}

/** Which format a split of a classification set has; undefined for none that we know. */
export function labelledFormat(source: string, split: string): ReadLabelledSet["format"] | undefined {
  if (isCifar(source)) return "cifar10"
  if (isIlsvrc(source, split)) return "ilsvrc"
  if (isImageFolder(source)) return "folder"
  return isShards(source) ? "webdataset" : undefined
}
