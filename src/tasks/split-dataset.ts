import { splitImages } from "../../datasets/splits.js"
import { writeDataset } from "../../datasets/write.js"
import { UsageError } from "../core/errors.js"
import { expectObjects } from "./box-data.js"
import { parseOptions } from "./config.js"
import type { WrittenDataset } from "./convert-dataset.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type SplitDatasetOptions, splitDatasetSchema } from "./options/dataset.js"
import { countsOf, readData } from "./read-data.js"

/**
 * Divides the images of one split into train, val and test, each class in its share.
 * @throws DataError when there is no such data, or the folder exists; the signal's reason
 */
export async function splitDataset(options: SplitDatasetOptions, hooks: TaskHooks = {}): Promise<WrittenDataset> {
  const config = parseOptions("splitDataset", splitDatasetSchema, options)
  const { val, test, seed, out, to, link } = config
  const rest = 1 - val - test
  if (rest <= 0) throw new UsageError(`expected val and test to leave something for train, got ${val} and ${test}`)
  const listener = listenerOf(hooks)
  const [set] = await readData(config, listener)
  expectObjects(set!)
  const format = to ?? set!.format
  if (format === "imagenet" || format === "via" || format === "samples") {
    throw new UsageError(
      `${set!.source}: data of the format ${format} are written as voc, coco, yolo, labelme or csv: give "to"`,
    )
  }
  const names = test > 0 ? ["train", "val", "test"] : ["train", "val"]
  const parts = splitImages(set!.images, [rest, val, test].slice(0, names.length), seed)
  const divided = parts.map((images, i) => ({ ...set!, split: names[i]!, images }))
  const { faults, notices } = await writeDataset(divided, format, out, {
    link,
    signal: listener.signal,
    onProgress: countOff(listener, "write"),
  })
  for (const fault of [...set!.faults, ...faults]) listener.fault(fault)
  for (const notice of notices) listener.log(notice)
  return { out, format, splits: countsOf(divided) }
}
