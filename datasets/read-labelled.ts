import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { type CifarSet, isCifar, readCifar } from "./cifar.js"
import { isFile, isFolder } from "./folder.js"
import { type ImageFolderSet, isImageFolder, readImageFolder } from "./image-folder.js"
import { type LabelledOptions, labelledDefaults } from "./labelled-set.js"
import { isZip, unzipped } from "./unzip.js"

/** A classification set as it was read: its `format` tells which. */
export type ReadLabelledSet = CifarSet | ImageFolderSet

/**
 * Reads a classification set of any format we know, also out of a zip archive; the result's `format` says which.
 * @throws DataError when nothing is recognised, the split is missing, or a file is broken
 */
export async function readLabelled(source: string, overrides: Partial<LabelledOptions> = {}): Promise<ReadLabelledSet> {
  const options = withDefaults("readLabelled", labelledDefaults, overrides)
  if (isZip(source)) {
    const folder = await unzipped(source)
    return { ...(await readLabelled(folder, options)), notices: [`${source} is unpacked in ${folder}`] }
  }
  if (isCifar(source)) return readCifar(source, options)
  if (isImageFolder(source)) return readImageFolder(source, options)
  if (!isFolder(source) && !isFile(source)) throw new DataError(`No data at ${source}: there is no such file or folder`)
  throw new DataError(
    `No classification set recognised in ${source}: expected train/<class>/ and val/<class>/ or <class>/ with images, ` +
      "or CIFAR-10's binary files (data_batch_1.bin, test_batch.bin, batches.meta.txt)",
  )
}
