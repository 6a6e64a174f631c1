import { resolve } from "node:path"
import { UsageError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import { labelsByName, orderClasses } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, type FaultPolicies, withPolicies } from "./faults.js"
import type { Photo, PhotoSource } from "./open-sample.js"
import { photoSize } from "./photo-size.js"
import { buildRecord, type RawObject } from "./record.js"

/** One image of a data set that is given from code, with its objects. */
export interface OwnSample {
  /** Path of an image file, its bytes, or RGB, RGBA or grey pixels. */
  readonly image: PhotoSource
  /** x1, y1, x2, y2 in image pixels (upright, from 0, width = x2 - x1): one list an object, or all in one flat array. */
  readonly boxes: ArrayLike<number> | readonly ArrayLike<number>[]
  /** The class of each object: its name, or 1..K. */
  readonly labels: ArrayLike<string | number>
  /** What the image is called in messages and results; its place in the list, from 0, when left out. */
  readonly id?: string
}

/** Samples by their place, each asked for whenever it is needed: their images are not held. */
export interface SampleList {
  readonly length: number
  at(index: number): OwnSample | Promise<OwnSample>
}

export type OwnSamples = Iterable<OwnSample> | AsyncIterable<OwnSample> | SampleList

export interface OwnDatasetOptions {
  /** Names of the classes 1..K; `null`: the names found, sorted, or as many as the highest number. */
  readonly classes: readonly string[] | null
  /** What the data set and its part are called in messages. */
  readonly source: string
  readonly split: string
  /** What to do about faults where it differs from `faultPolicies`. */
  readonly policies: Partial<FaultPolicies>
}

const ownDatasetDefaults: OwnDatasetOptions = { classes: null, source: "samples", split: "train", policies: {} }

/**
 * A data set made of samples from code, for whatever takes a data set that was read. The samples are gone through once;
 * those of an iterable stay in memory, those of a list are asked for again. Boxes are checked as in files.
 * @throws UsageError for a sample that is not as `OwnSample` says; DataError when a policy says so
 */
export async function datasetFromSamples(
  samples: OwnSamples,
  overrides: Partial<OwnDatasetOptions> = {},
): Promise<Dataset> {
  const { classes: wanted, source, split, policies } = withDefaults("datasetFromSamples", ownDatasetDefaults, overrides)
  const log = new FaultLog(withPolicies(policies))
  const found: Annotated[] = []
  for await (const [sample, photo] of photosOf(samples)) {
    const place = `${source}[${found.length}]`
    expectSample(sample, place)
    const labels = Array.from(sample.labels)
    const boxes = boxesOf(sample.boxes, labels.length, place)
    const size = await photoSize({ file: place, image: sample.image })
    found.push({ place, photo, ...size, id: sample.id ?? String(found.length), boxes, labels })
  }
  const classes = wanted ?? classesOf(found)
  const labelOf = labelFinder(classes)
  const images: ImageRecord[] = []
  for (const { place, photo, size, problems, id, boxes, labels } of found) {
    const objects = boxes.flatMap((box, index): RawObject[] => {
      const label = labelOf(labels[index]!, place, index)
      if (label !== undefined) return [{ index, box, label }]
      log.report("unknown-class", place, `"${labels[index]}" is not among the classes`, index)
      return []
    })
    for (const { kind, message } of problems) log.report(kind, place, message)
    if (size === undefined) continue
    const { width, height } = size
    const record = buildRecord({ id, imageId: images.length + 1, file: place, width, height }, objects, place, log)
    images.push({ ...record, ...photo })
  }
  const categoryIds = classes.map((_, index) => index + 1)
  return { format: "samples", source, split, classes, categoryIds, images, faults: log.faults }
}

/** A sample as it was given, before its labels have numbers. */
interface Annotated extends Awaited<ReturnType<typeof photoSize>> {
  /** `samples[3]`: what messages and faults call it. */
  readonly place: string
  readonly photo: Partial<Photo>
  readonly id: string
  readonly boxes: readonly Box[]
  readonly labels: readonly (string | number)[]
}

type Box = readonly [number, number, number, number]

/** Samples in order, with where their photos are from now on. */
async function* photosOf(samples: OwnSamples): AsyncGenerator<[sample: OwnSample, photo: Partial<Photo>]> {
  expectSamples(samples)
  if (isIterable(samples)) {
    for await (const sample of samples) yield [sample, photoOf(sample, sample?.image)]
    return
  }
  for (let i = 0; i < samples.length; i++) {
    const sample = await samples.at(i)
    yield [sample, photoOf(sample, async () => (await samples.at(i)).image)]
  }
}

function photoOf(sample: OwnSample, image: NonNullable<Photo["image"]>): Partial<Photo> {
  return typeof sample?.image === "string" ? { file: resolve(sample.image) } : { image }
}

const isIterable = (samples: OwnSamples) => Symbol.iterator in samples || Symbol.asyncIterator in samples

/** JavaScript brings whatever it likes. */
function expectSamples(samples: OwnSamples): void {
  if (typeof samples === "object" && samples !== null) {
    if (isIterable(samples) || ("length" in samples && "at" in samples)) return
  }
  throw new UsageError(
    "datasetFromSamples: expected an array, an (async) iterable, or a list { length, at(index) } of samples",
  )
}

function expectSample(sample: Partial<OwnSample> | undefined, place: string): void {
  const { image, boxes, labels } = sample ?? {}
  if (typeof boxes?.length === "number" && typeof labels?.length === "number" && image) return
  throw new UsageError(`${place}: expected { image, boxes, labels }, got ${JSON.stringify(sample)?.slice(0, 60)}`)
}

function boxesOf(boxes: OwnSample["boxes"], count: number, place: string): Box[] {
  const isFlat = typeof boxes[0] === "number"
  const flat = isFlat ? Array.from(boxes as ArrayLike<number>) : []
  const each = isFlat
    ? Array.from({ length: Math.ceil(flat.length / 4) }, (_, i) => flat.slice(4 * i, 4 * i + 4))
    : Array.from(boxes as readonly ArrayLike<number>[], (box) => Array.from(box))
  const odd = each.findIndex((box) => box.length !== 4)
  if (odd >= 0) throw new UsageError(`${place}: expected box ${odd} to be x1, y1, x2, y2, got [${each[odd]}]`)
  if (each.length !== count)
    throw new UsageError(`${place}: expected one label for each box, got ${each.length} boxes, ${count} labels`)
  return each as unknown as Box[]
}

/** The classes of samples that come without a list of them. */
function classesOf(samples: readonly Annotated[]): string[] {
  const labels = samples.flatMap(({ labels: own }) => own)
  const names = labels.filter((label) => typeof label === "string")
  if (names.length > 0) return orderClasses(names)
  const highest = labels.reduce<number>((most, label) => Math.max(most, Number(label)), 0)
  return Array.from({ length: highest }, (_, k) => String(k + 1))
}

/** Label 1..K by name or number; undefined for a name that is none of the classes'. */
function labelFinder(classes: readonly string[]) {
  const byName = labelsByName(classes)
  return (label: string | number, place: string, index: number): number | undefined => {
    if (typeof label === "string") return byName.get(label)
    if (Number.isInteger(label) && label >= 1 && label <= classes.length) return label
    const numbers = classes.length === 0 ? "a number from 1" : `1..${classes.length}`
    throw new UsageError(`${place}: expected label ${index} to be a name or ${numbers}, got ${label}`)
  }
}
