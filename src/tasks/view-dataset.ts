import { join } from "node:path"
import type { z } from "zod"
import type { Dataset, Fault, ImageRecord } from "../../datasets/dataset.js"
import { decodeImage, ImageError } from "../../datasets/image/decode.js"
import { drawBoxes, saveImage } from "../../datasets/image/draw.js"
import { seededRandom, shuffleFirst } from "../tensor/random.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { viewDatasetSchema } from "./options/dataset.js"
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
export async function viewDataset(
  options: z.input<typeof viewDatasetSchema>,
  hooks: TaskHooks = {},
): Promise<DatasetView> {
  const config = parseOptions("viewDataset", viewDatasetSchema, options)
  const listener = listenerOf(hooks)
  const pictures: string[] = []
  const faults: Fault[] = []
  for (const set of await readData(config, listener)) {
    const chosen = [...set.images]
    shuffleFirst(chosen, config.count, seededRandom(config.seed))
    const drawn = chosen.slice(0, config.count)
    const told = countOff(listener, `draw ${set.split}`)
    for (const [i, image] of drawn.entries()) {
      const path = join(config.out, set.split, `${image.id.replaceAll(/[\\/]/g, "_")}.jpg`)
      try {
        await drawImage(image, set.classes, path)
        pictures.push(path)
      } catch (error) {
        if (!(error instanceof ImageError)) throw error
        const fault = { kind: "unreadable-image", file: image.file, message: error.message, action: "skipped" } as const
        faults.push(fault)
        listener.fault(fault)
      }
      told(i + 1, drawn.length)
    }
  }
  return { pictures, faults }
}

async function drawImage(image: ImageRecord, classes: Dataset["classes"], path: string): Promise<void> {
  const drawn = Array.from(image.labels, (label, i) => ({
    box: image.boxes.subarray(4 * i, 4 * i + 4),
    label,
    text: classes[label - 1]! + (image.crowd[i] ? " crowd" : "") + (image.difficult[i] ? " difficult" : ""),
  }))
  await saveImage(path, drawBoxes(await decodeImage(image.file), drawn))
}
