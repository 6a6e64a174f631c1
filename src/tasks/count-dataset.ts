import type { Dataset } from "../../datasets/dataset.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { withPhotoSizes } from "../../datasets/photo-size.js"
import { type DatasetStats, datasetStats, sizeEdges } from "../../datasets/stats.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { type CountDatasetOptions, countDatasetSchema } from "./options/dataset.js"
import { readData } from "./read-data.js"

export interface DatasetCounts {
  readonly format: Dataset["format"]
  /** Shorter and maximum longer side of the resized images, in pixels. */
  readonly size: number
  readonly maxSize: number
  /** Upper limits of the counted box sizes, the square roots of their areas in input pixels; `null`: no limit. */
  readonly sizeEdges: readonly (number | null)[]
  readonly splits: readonly ({ readonly split: string } & DatasetStats)[]
}

/**
 * Counts a data set's images, objects and box sizes.
 * @throws DataError when there is no such data
 */
export async function countDataset(options: CountDatasetOptions, hooks: TaskHooks = {}): Promise<DatasetCounts> {
  const config = parseOptions("countDataset", countDatasetSchema, options)
  const { size, maxSize } = config
  const listener = listenerOf(hooks)
  const sets: Dataset[] = []
  for (const set of await readData(config, listener)) {
    const faults = new PhotoFaults(set.source)
    sets.push({ ...set, images: await withPhotoSizes(set.images, faults) })
    for (const fault of faults.faults) listener.fault(fault)
  }
  return {
    format: sets[0]!.format,
    size,
    maxSize,
    sizeEdges: sizeEdges.map((edge) => (Number.isFinite(edge) ? edge : null)),
    splits: sets.map((set) => ({ split: set.split, ...datasetStats(set, { size, maxSize }) })),
  }
}
