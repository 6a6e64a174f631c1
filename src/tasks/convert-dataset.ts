import { type WriteFormat, writeDataset } from "../../datasets/write.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type ConvertDatasetOptions, convertDatasetSchema } from "./options/dataset.js"
import { countsOf, readData, type SplitCount } from "./read-data.js"

/** A data set that was written. */
export interface WrittenDataset {
  readonly out: string
  readonly format: WriteFormat
  readonly splits: readonly SplitCount[]
}

/** What readers take for one split, of `train+val` or `VOC2007/test`, which are joined or a year's to them. */
function plainSplit(split: string): string {
  const names = new Set(split.split("+").map((part) => part.slice(part.lastIndexOf("/") + 1)))
  return names.size === 1 ? [...names][0]! : "train"
}

/**
 * Writes a data set in another format.
 * @throws DataError when there is no such data, or the folder exists; the signal's reason
 */
export async function convertDataset(options: ConvertDatasetOptions, hooks: TaskHooks = {}): Promise<WrittenDataset> {
  const config = parseOptions("convertDataset", convertDatasetSchema, options)
  const { to: format, out, link } = config
  const listener = listenerOf(hooks)
  const sets = (await readData(config, listener)).map((set) => {
    const split = plainSplit(set.split)
    if (split !== set.split) listener.log(`split ${set.split} is written as ${split}`)
    return { ...set, split }
  })
  const { faults, notices } = await writeDataset(sets, format, out, {
    link,
    signal: listener.signal,
    onProgress: countOff(listener, "write"),
  })
  for (const fault of [...sets.flatMap(({ faults: own }) => own), ...faults]) listener.fault(fault)
  for (const notice of notices) listener.log(notice)
  return { out, format, splits: countsOf(sets) }
}
