import type { Dataset } from "../../../datasets/dataset.js"
import type { Loader } from "../../../datasets/loader/loader.js"
import { PhotoFaults } from "../../../datasets/photo-faults.js"
import { DataError } from "../../core/errors.js"
import type { Parameters } from "../../core/parameters.js"
import { cropOptions } from "../../localize/crop.js"
import { type CropBatch, cropLoader } from "../../localize/crop-loader.js"
import type { DatasetLocalizations } from "../../localize/localize-dataset.js"
import { type LocalizeOptions, type Localizer, localizeOptions, usualSize } from "../../localize/localizer.js"
import { buildClassRpn, buildRegionNetwork } from "../../localize/localizer-file.js"
import { openLocalizer } from "../../localize/open-localizer.js"
import { regionLoader, regionLoaderDefaults } from "../../localize/region-loader.js"
import { RegionRefiner } from "../../localize/region-refiner.js"
import { proposeRegions } from "../../localize/regions.js"
import { cropTask, regionTask } from "../../localize/tasks.js"
import type { LocalizerConfig } from "../../weights/model-info.js"
import type { Listener } from "../hooks.js"
import type { LocalizeTrainConfig } from "../options/train-localizer.js"
import type { TrainingData } from "./box-data.js"
import { localizerLook } from "./localizer-look.js"
import { type PreparedRun, trainable } from "./trainer.js"

/** What a stage brings to a run. */
export type StageRun = Pick<PreparedRun, "task" | "look" | "faults" | "close">

/** The batches of crops that a per-class RPN learns from. @throws UsageError for crops that make no sense */
export function trainingCrops(
  { batch, seed, flip, shorter }: LocalizeTrainConfig,
  { size: side, mean, std }: LocalizerConfig,
  training: Dataset,
): Loader<unknown, CropBatch> {
  const crop = cropOptions({ side, shorter: shorter ?? [usualSize(side), Math.round((side * 15) / 7)], flip })
  return cropLoader(training, { batch, seed, crop, mean, std })
}

/** A per-class RPN, and how it is trained. */
export function prepareRpn(
  config: LocalizeTrainConfig,
  model: LocalizerConfig,
  parameters: Parameters,
  loader: Loader<unknown, CropBatch>,
  { training, validation }: TrainingData,
): StageRun {
  const { size: side, mean, std } = model
  const rpn = buildClassRpn(parameters, model, training.classes.length)
  const check = checkOf({ rpn, side, normalisation: { mean, std } }, lookOf(config, side), validation)
  const task = trainable(cropTask(rpn, parameters, loader, check))
  const look = localizerLook(loader, training.classes, model, validation?.images, () => check?.last())
  return { task, look, faults: () => [...loader.faults, ...(check?.faults?.faults ?? [])], close: async () => {} }
}

/**
 * A second stage, and how it is trained, on what the first one proposes now.
 * @throws DataError when the first one knows other classes; an AbortError when it was interrupted
 */
export async function prepareRegions(
  config: LocalizeTrainConfig,
  model: LocalizerConfig,
  parameters: Parameters,
  { training, validation }: TrainingData,
  listener: Listener,
): Promise<StageRun> {
  const first = openLocalizer(config.proposals!)
  try {
    if (first.classes.join("\n") !== training.classes.join("\n")) {
      const known = first.classes.join(", ")
      throw new DataError(`${config.proposals}: expected the classes of ${config.data}, got ${known}`)
    }
    const network = buildRegionNetwork(parameters, model, training.classes.length)
    const look = lookOf(config, first.side)
    const entries = await propose(first, training, look, listener)
    const { size: side, mean, std } = model
    const { batch, seed, flip, centric, regions: count } = config
    const sample = { ...regionLoaderDefaults.sample, count }
    const loader = regionLoader(entries, { batch, seed, flip, centric, sample, side, mean, std })
    const refiner = new RegionRefiner(network, { side, normalisation: { mean, std }, batch })
    const check = checkOf({ ...first, refiner }, look, validation)
    const task = trainable(regionTask(network, parameters, loader, check))
    const shown = localizerLook(loader, training.classes, model, validation?.images, () => check?.last())
    const faults = () => [...loader.faults, ...(check?.faults?.faults ?? [])]
    return { task, look: shown, faults, close: async () => first.dispose() }
  } catch (error) {
    first.dispose()
    throw error
  }
}

async function propose(
  first: Omit<Localizer, "refiner">,
  { images }: Dataset,
  look: LocalizeOptions,
  { signal, log, progress }: Listener,
) {
  const onImage = (done: number) => progress({ job: "propose", done, total: images.length })
  const { entries, failed } = await proposeRegions(first, images, look, { signal, onImage })
  for (const { file, message } of failed) log(`${file}: ${message}`)
  signal.throwIfAborted()
  return entries
}

function lookOf({ sizes }: LocalizeTrainConfig, side: number): LocalizeOptions {
  return localizeOptions({ sizes: sizes ?? [usualSize(side)] })
}

function checkOf(localizer: Localizer, options: LocalizeOptions, validation: Dataset | undefined) {
  if (validation === undefined) return undefined
  let found: DatasetLocalizations["perImage"] | undefined
  return {
    localizer,
    options,
    images: validation.images,
    faults: new PhotoFaults(validation.source),
    onLocalized(perImage: DatasetLocalizations["perImage"]) {
      found = perImage
    },
    last: () => found,
  }
}
