import { asClasses, classesOfDetector, everyObject } from "../../datasets/choose-classes.js"
import type { Dataset } from "../../datasets/dataset.js"
import { datasetFromSamples, type OwnSamples } from "../../datasets/dataset-from-samples.js"
import { emptiness } from "../../datasets/emptiness.js"
import type { ReadOptions } from "../../datasets/options.js"
import { readDataset } from "../../datasets/read.js"
import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import type { Listener } from "./hooks.js"

/** How files with boxes are read, by the options that tasks have for it. */
export interface HowRead extends Pick<ReadOptions, "corners" | "sizeMismatch" | "followLinks"> {
  readonly images?: string | undefined
}

/** The reader's options among a task's. */
export function howReadOf({ images = undefined, corners, sizeMismatch, followLinks }: HowRead): Partial<ReadOptions> {
  return { ...(images === undefined ? {} : { images }), corners, sizeMismatch, followLinks }
}

/** Data with boxes: where they are, a data set that was read, or samples of a program's own. */
export type BoxData = string | Dataset | OwnSamples

/**
 * The data set behind what a task was given; `options` say how files are read, and which classes are wanted.
 * @throws DataError when there is no such data; UsageError for samples that are not as `OwnSample` says
 */
export async function openBoxData(data: BoxData, options: Partial<ReadOptions>): Promise<Dataset> {
  if (typeof data === "string") return readDataset(data, options)
  const { classes = null, split, policies } = options
  if (isDataset(data)) return classes === null ? data : asClasses(data, classes, policies)
  return datasetFromSamples(data, { classes, ...(split && { split }), ...(policies && { policies }) })
}

/**
 * As `openBoxData`, and tells what was found.
 * @throws DataError when there are no images
 */
export async function readBoxData(
  data: BoxData,
  options: Partial<ReadOptions>,
  { log, fault }: Pick<Listener, "log" | "fault">,
): Promise<Dataset> {
  const set = await openBoxData(data, options)
  tellBoxData(set, { log, fault })
  return set
}

/**
 * As `readBoxData`, with the classes of a detector. Where the data have them all and others, as those have of which a detector was
 * trained with `--classes`, objects of the others are left out, which is no fault.
 */
export async function readDataOf(
  classes: readonly string[],
  data: BoxData,
  options: Partial<ReadOptions>,
  listener: Pick<Listener, "log" | "fault">,
): Promise<Dataset> {
  const isRead = typeof data === "string" || isDataset(data)
  const all = isRead ? await openBoxData(data, { ...options, classes: null }) : undefined
  const known = all && classesOfDetector(all, classes)
  if (all !== undefined && known === undefined && classes.join() === everyObject) {
    listener.log(
      `${all.source}: the detector's only class is "${everyObject}": --single-class takes all objects for it`,
    )
  }
  if (all === undefined || known === undefined) return readBoxData(data, { ...options, classes }, listener)
  tellBoxData(all, listener)
  const others = all.classes.filter((name) => !classes.includes(name))
  if (others.length > 0) {
    const names = others.slice(0, namesTold).map(shown).join(", ")
    const objects = objectsOf(all) - objectsOf(known)
    listener.log(
      `${all.source}: the detector does not know ${others.length} of the classes (${names}${others.length > namesTold ? ", ..." : ""}): ` +
        `their ${objects} objects are left out`,
    )
  }
  return known
}

/** So many names of classes stand in one line. */
const namesTold = 5

const objectsOf = ({ images }: Dataset): number => images.reduce((sum, { labels }) => sum + labels.length, 0)

function tellBoxData(set: Dataset, { log, fault }: Pick<Listener, "log" | "fault">): void {
  const { source, format, split, images, classes, notices = [], faults } = set
  const counts = `${images.length} images, ${objectsOf(set)} objects, ${classes.length} classes`
  log(`${source}: ${format.toUpperCase()} data, split ${split}: ${counts}`)
  for (const notice of notices) log(notice)
  for (const one of faults) fault(one)
  if (images.length === 0) throw new DataError(emptiness(set)!)
}

/** @throws DataError when no image has an object */
export function expectObjects(set: Dataset): void {
  const why = emptiness(set)
  if (why !== undefined) throw new DataError(why)
}

function isDataset(data: Exclude<BoxData, string>): data is Dataset {
  return "images" in data && "classes" in data
}
