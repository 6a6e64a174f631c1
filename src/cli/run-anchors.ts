import { z } from "zod"
import type { Dataset } from "../../datasets/dataset.js"
import { inputSize, padTo } from "../../datasets/image/size.js"
import { loaderDefaults } from "../../datasets/loader/batch-loader.js"
import { readDataset } from "../../datasets/read.js"
import { detectorOptions } from "../detector/build.js"
import { mapSizes } from "../detector/map-sizes.js"
import { type ModelConfig, modelDefaults } from "../detector/model.js"
import { type DeepPartial, type FasterRcnnOptions, withOverrides } from "../detector/options.js"
import { preset, presetNames } from "../detector/presets.js"
import { DataError } from "../tensor/errors.js"
import { inputSizes, planDefaults } from "../weights/plan.js"
import { type AnchorReport, anchorReport, type FitObjects } from "./anchors-report.js"
import { trainDefaults } from "./train-config.js"
import type { Log } from "./training-run.js"

/** The options of `anchors`, by the names that `train` has for them. */
export const anchorsSchema = z.strictObject({
  data: z.string(),
  images: z.string().optional(),
  split: z.string().default(trainDefaults.split),
  model: z.string().default(planDefaults.model),
  preset: z.enum(presetNames as [string, ...string[]]).default(planDefaults.preset),
  size: z.int().min(32).optional(),
  maxSize: z.int().min(32).optional(),
  detector: z.record(z.string(), z.unknown()).default({}),
})

type AnchorsConfig = z.output<typeof anchorsSchema>

/**
 * Looks at a data set as the RPN does: its boxes after resizing, and the best that the anchors can do with them.
 * Crowds take no part, nor do difficult objects unless they are learned.
 * @throws DataError when there is nothing to look at, UsageError for a model or option that is not known
 */
export async function fitAnchors(config: AnchorsConfig, log: Log): Promise<AnchorReport> {
  const { data, split, images: folder = null } = config
  const detector = configOf(config)
  const dataset = await readDataset(data, { split, images: folder })
  const unknown = dataset.images.filter(({ width, height }) => !(width > 0 && height > 0)).length
  if (unknown > 0) log(`${unknown} images are left out: their annotations do not tell their size`)
  const objects = fitObjects(dataset, detector)
  if (objects.labels.length === 0) throw new DataError(`${data}: no objects in split ${dataset.split}`)
  return anchorReport(dataset, detector, objects)
}

/** The detector that is asked about; its weights play no part. */
function configOf({ model, preset: name, size, maxSize, detector }: AnchorsConfig): ModelConfig {
  const base = preset(name, model)
  const options = withOverrides(base.options, detector as DeepPartial<FasterRcnnOptions>)
  const config = { ...modelDefaults, ...inputSizes(base, { size, maxSize }), model, options }
  return { ...config, options: detectorOptions(config) }
}

/** A data set's objects in input pixels, with the maps that their images give. */
function fitObjects({ images }: Dataset, detector: ModelConfig): FitObjects {
  const labels: number[] = []
  const fitted = images.flatMap(({ width, height, boxes, labels: own, crowd, difficult }) => {
    if (!(width > 0 && height > 0)) return []
    const input = inputSize(height, width, detector)
    const scales = [input.scaleX, input.scaleY]
    const isLearned = (i: number) => !crowd[i] && (detector.options.difficult === "include" || !difficult[i])
    const kept = Array.from(own.keys()).filter(isLearned)
    for (const i of kept) labels.push(own[i]!)
    const scaled = kept.flatMap((i) => [0, 1, 2, 3].map((k) => boxes[4 * i + k]! * scales[k % 2]!))
    const padded = [input.height, input.width].map((side) => padTo(side, loaderDefaults.divisor)) as [number, number]
    return [{ boxes: Float64Array.from(scaled), levels: mapSizes(detector, padded) }]
  })
  return { images: fitted, labels }
}
