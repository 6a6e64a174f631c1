import { join } from "node:path"
import type { Dataset, Fault, ImageRecord } from "../../datasets/dataset.js"
import { drawBoxes, saveImage } from "../../datasets/image/draw.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { openSamples } from "../../datasets/open-samples.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { seededRandom, shuffleFirst } from "../core/random.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type ViewDatasetOptions, viewDatasetSchema } from "./options/dataset.js"
import { readData } from "./read-data.js"

export interface DatasetView {
  /** The files that were written. */
  readonly pictures: readonly string[]
  /** Images that could not be drawn. */
  readonly faults: readonly Fault[]
}

/**
 * Draws some images of each split with their ground truth into a folder.
 * @throws DataError when there is no such data
 */
export async function viewDataset(options: ViewDatasetOptions, hooks: TaskHooks = {}): Promise<DatasetView> {
  const config = parseOptions("viewDataset", viewDatasetSchema, options)
  const listener = listenerOf(hooks)
  const pictures: string[] = []
  const faults: Fault[] = []
  for (const set of await readData(config, listener)) {
    const chosen = [...set.images]
    shuffleFirst(chosen, config.count, seededRandom(config.seed))
    const drawn = chosen.slice(0, config.count)
    const told = countOff(listener, `draw ${set.split}`)
    const met = new PhotoFaults(set.source)
    for await (const { record, index, image } of openSamples(drawn, { faults: met })) {
      const path = join(config.out, set.split, `${record.id.replaceAll(/[\\/]/g, "_")}.jpg`)
      if (image !== undefined) {
        await drawTruths(image, record, set.classes, path)
        pictures.push(path)
      }
      told(index + 1, drawn.length)
    }
    for (const fault of met.faults) listener.fault(fault)
    faults.push(...met.faults.filter(({ action }) => action === "skipped"))
  }
  return { pictures, faults }
}

async function drawTruths(
  image: RgbImage,
  { labels, boxes, crowd, difficult }: ImageRecord,
  classes: Dataset["classes"],
  path: string,
): Promise<void> {
  const drawn = Array.from(labels, (label, i) => ({
    box: boxes.subarray(4 * i, 4 * i + 4),
    label,
    text: classes[label - 1]! + (crowd[i] ? " crowd" : "") + (difficult[i] ? " difficult" : ""),
  }))
  await saveImage(path, drawBoxes(image, drawn))
}
