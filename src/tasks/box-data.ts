import type { Dataset } from "../../datasets/dataset.js"
import { datasetFromSamples, type OwnSamples } from "../../datasets/dataset-from-samples.js"
import { emptiness } from "../../datasets/emptiness.js"
import type { ReadOptions } from "../../datasets/options.js"
import { readDataset } from "../../datasets/read.js"
import { DataError } from "../core/errors.js"
import type { Listener } from "./hooks.js"

/** How files with boxes are read, by the options that tasks have for it. */
interface HowRead extends Pick<ReadOptions, "corners" | "sizeMismatch" | "followLinks"> {
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
  if (isDataset(data)) return data
  const { classes = null, split, policies } = options
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
  const { source, format, split, images, classes, notices = [], faults } = set
  const objects = images.reduce((sum, { labels }) => sum + labels.length, 0)
  const counts = `${images.length} images, ${objects} objects, ${classes.length} classes`
  log(`${source}: ${format.toUpperCase()} data, split ${split}: ${counts}`)
  for (const notice of notices) log(notice)
  for (const one of faults) fault(one)
  if (images.length === 0) throw new DataError(emptiness(set)!)
  return set
}

/** @throws DataError when no image has an object */
export function expectObjects(set: Dataset): void {
  const why = emptiness(set)
  if (why !== undefined) throw new DataError(why)
}

function isDataset(data: Exclude<BoxData, string>): data is Dataset {
  return "images" in data && "classes" in data
}
