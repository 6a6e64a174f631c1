import { type ClassChoice, chooseClasses } from "../../../datasets/choose-classes.js"
import type { Dataset } from "../../../datasets/dataset.js"
import { type FaultPolicies, NoSplitError, scoringPolicies } from "../../../datasets/faults.js"
import type { ReadOptions } from "../../../datasets/options.js"
import { sameImages } from "../../../datasets/shared-images.js"
import { splitImages } from "../../../datasets/splits.js"
import { DataError } from "../../core/errors.js"
import { type BoxData, expectObjects, howReadOf, openBoxData, readBoxData } from "../box-data.js"
import type { Listener } from "../hooks.js"
import { trainDefaults } from "../options/train-detector.js"
import type { DatasetFingerprint } from "./run-record.js"
import { type TileOptions, tileDataset } from "./tile-dataset.js"

/** Where data with boxes are, and which parts of them a run uses. */
export interface BoxDataConfig
  extends Pick<ReadOptions, "corners" | "sizeMismatch" | "followLinks">,
    ClassChoice,
    TileOptions {
  readonly data: BoxData
  /** What is validated on, instead of a split of `data`. */
  readonly valData?: BoxData | undefined
  readonly images?: string | undefined
  readonly split: string
  readonly valSplit: string
  /** Share of the images to hold out of data without splits. */
  readonly holdOut: number
  /** Names of the images that a run which goes on has held out; drawn by the seed where left out. */
  readonly heldOut?: readonly string[] | undefined
  readonly valEvery: number
  readonly seed: number
}

export interface TrainingData {
  readonly training: Dataset
  readonly validation: Dataset | undefined
  /** Names of the images that were taken from those of training to validate on. */
  readonly heldOut?: readonly string[]
}

/**
 * Reads data with boxes to train and validate on, with the classes that are asked for, and says what they are.
 * @throws DataError when there is nothing to train on; UsageError for a class that is not in the data
 */
export async function readTrainingData(
  config: BoxDataConfig,
  policies: Partial<FaultPolicies>,
  listener: Listener,
): Promise<TrainingData> {
  const { training: all, validation, ...rest } = await readWhole(config, policies, listener)
  const training = chooseClasses(all, config)
  expectObjects(training)
  if (training !== all) listener.log(`training on ${chosenText(training)}; ${chosenText(all)} are annotated`)
  const chosen = validation && chooseClasses(validation, config)
  const tiled = await tileDataset(training, config)
  if (tiled !== training) {
    const count = tiled.images.length - training.images.length
    listener.log(
      `${training.images.length} photos and ${count} tiles of ${config.tiles} pixels; validation is of photos and tiles ` +
        `alike: eval --tiles ${config.tiles} scores whole photos`,
    )
  }
  return { training: tiled, validation: chosen && (await tileDataset(chosen, config)), ...rest }
}

const chosenText = ({ images, classes }: Dataset) =>
  `${images.reduce((sum, { labels }) => sum + labels.length, 0)} objects of ${classes.join(", ")}`

async function readWhole(
  config: BoxDataConfig,
  policies: Partial<FaultPolicies>,
  listener: Listener,
): Promise<TrainingData> {
  const { data, valData, split, valSplit, valEvery } = config
  const how = { ...howReadOf(config), policies }
  const training = await readBoxData(data, { ...how, split }, listener)
  expectObjects(training)
  if (valEvery === 0) return { training, validation: undefined }
  // Samples of a program's own have no splits.
  const source = valData ?? (typeof data === "string" ? data : undefined)
  if (source === undefined) {
    listener.log("no validation: pass valData to validate on")
    return { training, validation: undefined }
  }
  const scoring = { ...how, policies: { ...scoringPolicies, ...policies }, classes: training.classes }
  if (valData === undefined && training.undivided) return holdOut(training, { ...scoring, split }, config, listener)
  const asked = { ...scoring, split: valSplit }
  const named = valData === undefined ? valSplit : undefined
  const validation = await validationOf(() => readBoxData(source, asked, listener), named, listener)
  const shared = validation === undefined ? 0 : sameImages(validation, training).length
  if (shared > 0) {
    listener.log(
      `${shared} of ${validation!.images.length} validation images are training images too: what is measured on them says nothing of new photos`,
    )
  }
  return { training, validation }
}

/**
 * Divides data that have no splits, by the seed: whoever validates on what was learned measures nothing.
 * @param scoring how what is held out is read: as it was annotated
 */
async function holdOut(
  all: Dataset,
  scoring: Partial<ReadOptions>,
  { data, holdOut: share, heldOut, seed, valSplit }: BoxDataConfig,
  { log }: Listener,
): Promise<TrainingData> {
  const [kept, held] = heldApart(all.images, { share, seed, heldOut }, ({ id }) => id)
  if (held.length === 0 || kept.every(({ labels }) => labels.length === 0)) {
    log(nothingHeldOut(all.images.length, share))
    return { training: all, validation: undefined }
  }
  log(heldOutLine(held.length, all.images.length, seed))
  const files = new Set(held.map(({ file }) => file))
  const { images, ...rest } = await openBoxData(data, scoring)
  const validation = { ...rest, split: valSplit, images: images.filter(({ file }) => files.has(file)), faults: [] }
  return { training: { ...all, images: kept }, validation, heldOut: held.map(({ id }) => id) }
}

interface HoldOut {
  readonly share: number
  readonly seed: number
  /** Names of the images that a run which goes on has held out. */
  readonly heldOut?: readonly string[] | undefined
}

/** Images that are kept, and those held out: the ones of a run that goes on, else a share of each class, drawn by the seed. */
export function heldApart<Image extends { readonly labels: Iterable<number> }>(
  images: readonly Image[],
  { share, seed, heldOut }: HoldOut,
  nameOf: (image: Image) => string,
): [kept: Image[], held: Image[]] {
  if (heldOut === undefined) return splitImages(images, [1 - share, share], seed) as [Image[], Image[]]
  const names = new Set(heldOut)
  return [images.filter((image) => !names.has(nameOf(image))), images.filter((image) => names.has(nameOf(image)))]
}

export const heldOutLine = (held: number, of: number, seed: number) =>
  `the data have no splits: ${held} of ${of} images, drawn with seed ${seed}, are held out to validate on; config.json lists them`

export const nothingHeldOut = (images: number, share: number) =>
  share === 0
    ? "no validation: the data have no splits, and --hold-out is 0"
    : `no validation: ${images} images without splits are too few to hold some out`

export function fingerprintOf({ training: { images, classes }, heldOut }: TrainingData): DatasetFingerprint {
  return { images: images.length, classes, ...(heldOut && { heldOut }) }
}

/**
 * The data that a model is validated on; none, which is told, where nobody named a split and the usual one is not there.
 * @param split where it is read from
 * @throws DataError where what was asked for is not there, or cannot be read
 */
export async function validationOf<Data>(
  read: () => Data | Promise<Data>,
  split: string | undefined,
  { log }: Listener,
): Promise<Data | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    if (split !== trainDefaults.valSplit || !(error instanceof NoSplitError)) {
      throw new DataError(`validation: ${error.message}. --val-every 0 trains without one`)
    }
    log(`no validation: ${error.message}`)
    return undefined
  }
}
