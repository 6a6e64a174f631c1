import { existsSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { z } from "zod"
import type { Dataset } from "../../datasets/dataset.js"
import { wholeSplit } from "../../datasets/image-folder.js"
import { isThere } from "../../datasets/is-there.js"
import { partOfSet } from "../../datasets/labelled-photos.js"
import type { ReadLabelledSet } from "../../datasets/read-labelled.js"
import { DataError, UsageError } from "../core/errors.js"
import { isWeightsName } from "../setup/published-weights.js"
import type { Listener } from "./hooks.js"
import { howRead } from "./options/shared.js"
import { findRecord } from "./training/run-record.js"

/** How data are read, of the options that tasks have for it; a run's config.json has the same. */
const reading = z.object({
  images: z.string().optional(),
  singleClass: z.boolean().default(false),
  ...howRead,
})

type Reading = z.output<typeof reading>

const stored = z.object({
  config: reading.extend({ data: z.string(), valSplit: z.string() }),
  data: z.object({ heldOut: z.array(z.string()).default([]) }),
})

/** What a training run was validated on. */
interface RunData {
  /** Its folder. */
  readonly run: string
  readonly data: string
  readonly split: string
  readonly how: Reading
  /** Ids of the images that were held out of data without splits. */
  readonly heldOut: readonly string[]
}

interface Asked<Data> extends Partial<Reading> {
  readonly weights: string | readonly string[]
  readonly data?: Data | undefined
  readonly split?: string | undefined
}

/** What weights are scored on. */
export interface ScoredData<Data> {
  readonly data: Data | string
  readonly split: string
  readonly how: Reading
  /** Whether data and split are those of the weights' run, as nobody named others. */
  readonly isOwn: boolean
  readonly runs: readonly RunData[]
}

/** The part of the data that is scored where none is named. @source torchvision and detectron2 evaluate on COCO's val2017 */
const usualSplit = "val"

/**
 * What weights are scored on: the data that were given, or else those that their run was validated on, read as in training
 * where nothing else was asked for.
 * @throws UsageError where no data were given and the weights are of no run, or of runs with different ones; DataError where
 *   the run's are not there
 */
export function dataToScore<Data>(asked: Asked<Data>, { log }: Pick<Listener, "log">): ScoredData<Data> {
  const weights = [asked.weights].flat()
  const runs = weights.flatMap((path) => runData(path) ?? [])
  const usual = reading.parse({}) as Readonly<Record<string, unknown>>
  const given = Object.keys(reading.shape).flatMap((key) => {
    const value = asked[key as keyof Reading]
    return value === undefined || value === usual[key] ? [] : [[key, value]]
  })
  const howOf = (how: object): Reading => ({ ...how, ...Object.fromEntries(given) }) as Reading
  const { data, split } = asked
  if (data !== undefined) return { data, split: split ?? usualSplit, how: howOf(usual), isOwn: false, runs }
  const [run, ...others] = runs
  if (run === undefined) {
    const missing = weights.find((path) => !existsSync(path) && !isWeightsName(path))
    if (missing !== undefined) throw new DataError(`${missing}: no such file`)
    throw new UsageError(
      `expected --data: ${weights[0]} is not of a training run, which would tell what it was validated on`,
    )
  }
  const other = others.find((one) => !isAlike(one, run))
  if (other !== undefined) {
    throw new UsageError(`expected --data: ${run.run} and ${other.run} were validated on different images`)
  }
  expectDataOf(run.run, run.data)
  log(`data: ${run.data}, split ${split ?? run.split}, as ${run.run} has it; --data names others`)
  return { data: run.data, split: split ?? run.split, how: howOf(run.how), isOwn: split === undefined, runs }
}

/** The run whose folder weights lie in; undefined where there is none. @param path of the weights, or of the folder */
function runData(path: string): RunData | undefined {
  if (!existsSync(path)) return undefined
  const folder = statSync(path).isDirectory() ? path : dirname(path)
  const run = basename(resolve(folder)) === "weights" ? join(folder, "..") : folder
  const found = stored.safeParse(findRecord(run))
  if (!found.success) return undefined
  const { config, data } = found.data
  const { data: source, valSplit: split, ...how } = config
  return { run, data: source, split, how, heldOut: data.heldOut }
}

const isAlike = ({ run: _, ...one }: RunData, { run: __, ...other }: RunData) =>
  JSON.stringify({ ...one, data: resolve(one.data) }) === JSON.stringify({ ...other, data: resolve(other.data) })

/** @throws DataError where the data of a run are not there */
export function expectDataOf(run: string, data: string): void {
  if (isThere(data)) return
  throw new DataError(`${data}, the data of ${run}, is not there. If it has moved, give its place with --data`)
}

/** The images that are scored: of data without splits those that the run held out, where no data were named. */
export function scoredImages(set: Dataset, toScore: ScoredData<unknown>, listener: Pick<Listener, "log">): Dataset {
  if (!set.undivided) return set
  const ids = set.images.map(({ id }) => id)
  const places = heldOutPlaces(ids, toScore, listener)
  return places === undefined ? set : { ...set, images: places.map((place) => set.images[place]!) }
}

/** As `scoredImages`, of a classification set. */
export function scoredPictures(
  set: ReadLabelledSet,
  toScore: ScoredData<unknown>,
  listener: Pick<Listener, "log">,
): ReadLabelledSet {
  if (set.format === "cifar10" || set.split !== wholeSplit) return set
  const names = Array.from(set.labels, (_, place) => set.name(place))
  const places = heldOutPlaces(names, toScore, listener)
  return places === undefined ? set : partOfSet(set, toScore.split, places)
}

/**
 * Which images of data without splits are scored, and tells it; or how many of them the runs were trained on.
 * @param names as a run's record has them
 * @returns undefined for all
 */
function heldOutPlaces(
  names: readonly string[],
  { data, isOwn, runs }: ScoredData<unknown>,
  { log }: Pick<Listener, "log">,
): number[] | undefined {
  const total = names.length
  for (const { run, data: its, heldOut } of runs) {
    if (typeof data !== "string" || resolve(data) !== resolve(its)) continue
    const held = new Set(heldOut)
    const places = [...names.keys()].filter((place) => held.has(names[place]!))
    const count = places.length
    if (isOwn && count > 0) {
      log(`scored are the ${count} of ${total} images that ${run} held out to validate on`)
      return places
    }
    const better = count > 0 ? `; without --data and --split the ${count} that it held out are scored` : ""
    const trained = `${total - count} of ${total} images are those that ${run} was trained on`
    log(`${trained}: what is measured on them says nothing of new photos${better}`)
  }
  return undefined
}
