import { basename, join } from "node:path"
import type { Dataset, Fault, ImageRecord } from "../../datasets/dataset.js"
import { type Drawn, drawBoxes, saveImage } from "../../datasets/image/draw.js"
import { encodeImage } from "../../datasets/image/encode.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { shrink } from "../../datasets/image/shrink.js"
import { openSamples } from "../../datasets/open-samples.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { seededRandom, shuffleFirst } from "../core/random.js"
import { isOfOneFile, writeWhole } from "../core/write-whole.js"
import type { Suspect } from "../eval/suspects.js"
import { contactSheet, type SheetImage } from "../report/contact-sheet.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type ViewDatasetOptions, viewDatasetSchema } from "./options/dataset.js"
import { claimFolder } from "./own-output.js"
import { readData } from "./read-data.js"
import { readSuspects, type SplitSuspect, suspectsByImage } from "./read-suspects.js"

export interface DatasetView {
  /** The files that were written. */
  readonly pictures: readonly string[]
  /** All of them on one HTML page. */
  readonly page: string
  /** Images that could not be drawn. */
  readonly faults: readonly Fault[]
  /** With `options.suspects`: those in the pictures, in their order. */
  readonly suspects?: readonly DrawnSuspect[]
}

type DrawnSuspect = SplitSuspect & { readonly picture: string }

/**
 * Draws some images of each split with their ground truth into a folder, and onto one HTML page there; with `suspects` those of the most suspicious
 * labels, and what is suspected. Pictures of an earlier call give way.
 * @throws DataError when there is no such data, or a file of suspects is of other data; UsageError for a folder that something
 *   else has made
 */
export async function viewDataset(options: ViewDatasetOptions, hooks: TaskHooks = {}): Promise<DatasetView> {
  const config = parseOptions("viewDataset", viewDatasetSchema, options)
  const listener = listenerOf(hooks)
  const pictures: string[] = []
  const faults: Fault[] = []
  const drawnSuspects: DrawnSuspect[] = []
  const sheet: SheetImage[] = []
  const sets = await readData(config, listener)
  const suspects = config.suspects === undefined ? undefined : readSuspects(config.suspects, sets)
  claimFolder(config.out, "dataset view")
  for (const set of sets) {
    const suspected = suspects && suspectsByImage(suspects, set.split)
    const drawn = suspected ? named(set.images, [...suspected.keys()].slice(0, config.count)) : some(set.images, config)
    const told = countOff(listener, `draw ${set.split}`)
    const met = new PhotoFaults(set.source)
    for await (const { record, index, image } of openSamples(drawn, { faults: met })) {
      const path = join(config.out, set.split, `${record.id.replaceAll(/[\\/]/g, "_")}.jpg`)
      if (image !== undefined) {
        const here = suspected?.get(record.id) ?? []
        const boxes = truthBoxes(record, set.classes, suspected === undefined)
        const doubts = here.map((one) => suspectBox(one, set.classes)).reverse()
        try {
          sheet.push(await onSheet(image, record, set))
          await saveImage(path, await drawBoxes(image, [...boxes, ...doubts]), config.out)
          pictures.push(path)
          for (const one of here) drawnSuspects.push({ ...one, picture: path })
        } catch (error) {
          if (!isOfOneFile(error)) throw error
          met.add(record, [{ kind: "unreadable-image", message: error.message }])
        }
      }
      told(index + 1, drawn.length)
    }
    for (const fault of met.faults) listener.fault(fault)
    faults.push(...met.faults.filter(({ action }) => action === "skipped"))
  }
  const page = join(config.out, "index.html")
  writeWhole(page, contactSheet(sets[0]?.source ?? "data", sheet), { within: config.out })
  return { pictures, page, faults, ...(suspects && { suspects: drawnSuspects }) }
}

/** The longest side of pictures on the page, in pixels, and their JPEG quality. */
const SHEET = { longest: 300, quality: 70 } as const

async function onSheet(image: RgbImage, record: ImageRecord, set: Dataset): Promise<SheetImage> {
  const region = [0, 0, image.width, image.height] as const
  const jpeg = await encodeImage(shrink(image, SHEET.longest), { quality: SHEET.quality })
  const { labels, boxes: corners, crowd, difficult } = record
  const boxes = Array.from(labels, (label, i) => {
    const [x1, y1, x2, y2] = corners.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
    const kind = crowd[i] === 1 || difficult[i] === 1 ? ("ignored" as const) : ("object" as const)
    return { kind, label: set.classes[label - 1]!, bbox: [x1, y1, x2 - x1, y2 - y1] as const }
  })
  const stem = (path: string) => basename(path).replace(/\.[^.]+$/, "")
  const faults = set.faults.filter(({ file }) => [record.id, record.file].some((one) => stem(one) === stem(file)))
  return { name: record.id, split: set.split, picture: { jpeg, region }, boxes, faults }
}

/** Images drawn by the seed. */
function some(images: readonly ImageRecord[], { count, seed }: { count: number; seed: number }): ImageRecord[] {
  const chosen = [...images]
  shuffleFirst(chosen, count, seededRandom(seed))
  return chosen.slice(0, count)
}

function named(images: readonly ImageRecord[], ids: readonly string[]): ImageRecord[] {
  const byId = new Map(images.map((image) => [image.id, image]))
  return ids.map((id) => byId.get(id)!)
}

function truthBoxes(
  { labels, boxes, crowd, difficult }: ImageRecord,
  classes: Dataset["classes"],
  withText: boolean,
): Drawn[] {
  return Array.from(labels, (label, i) => ({
    box: boxes.subarray(4 * i, 4 * i + 4),
    label,
    text: withText ? classes[label - 1]! + (crowd[i] ? " crowd" : "") + (difficult[i] ? " difficult" : "") : "",
  }))
}

/** In the colour of what was found, or of the label where nothing was. */
function suspectBox(
  { kind, bbox: [x, y, width, height], labelled, found }: Suspect,
  classes: readonly string[],
): Drawn {
  const text = { missing: `? ${found}`, class: `${labelled}? ${found}`, spurious: `${labelled}? nothing` }[kind]
  return { box: [x, y, x + width, y + height], label: 1 + classes.indexOf(found ?? labelled!), text }
}
