import type { z } from "zod"
import type { ImageRecord } from "../../datasets/dataset.js"
import { inputDivisor, inputSize, padTo } from "../../datasets/image/size.js"
import { pictureSize } from "../../datasets/open-sample.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { withPhotoSizes } from "../../datasets/photo-size.js"
import { DataError } from "../core/errors.js"
import { detectorOptions } from "../detector/build.js"
import { mapSizes } from "../detector/map-sizes.js"
import { type ModelConfig, modelDefaults } from "../detector/model.js"
import { type DeepPartial, type FasterRcnnOptions, withOverrides } from "../detector/options.js"
import { preset } from "../detector/presets.js"
import { inputSizes } from "../weights/plan.js"
import { type AnchorReport, anchorReport, type FitObjects } from "./anchor-report.js"
import { expectObjects, howReadOf, readBoxData } from "./box-data.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { type FitAnchorsOptions, fitAnchorsSchema } from "./options/fit-anchors.js"

/**
 * Looks at a data set as the RPN does: its boxes after resizing, and the best that the anchors can do with them.
 * Crowds take no part, nor do difficult objects unless they are learned.
 * @throws DataError when there is nothing to look at, UsageError for a model or option that is not known
 */
export async function fitAnchors(options: FitAnchorsOptions, hooks: TaskHooks = {}): Promise<AnchorReport> {
  const config = parseOptions("fitAnchors", fitAnchorsSchema, options)
  const listener = listenerOf(hooks)
  const { data, split } = config
  const detector = configOf(config)
  const dataset = await readBoxData(data, { split, ...howReadOf(config) }, listener)
  expectObjects(dataset)
  const faults = new PhotoFaults(dataset.source)
  const objects = fitObjects(await withPhotoSizes(dataset.images, faults, countOff(listener, "measure")), detector)
  for (const fault of faults.faults) listener.fault(fault)
  if (objects.labels.length === 0) throw new DataError(`${dataset.source}: no objects in split ${dataset.split}`)
  return anchorReport(dataset, detector, objects)
}

/** The detector that is asked about; its weights play no part. */
function configOf({ model, preset: name, size, maxSize, detector }: z.output<typeof fitAnchorsSchema>): ModelConfig {
  const base = preset(name, model)
  const options = withOverrides(base.options, detector as DeepPartial<FasterRcnnOptions>)
  const config = { ...modelDefaults, ...inputSizes(base, { size, maxSize }), model, options }
  return { ...config, options: detectorOptions(config) }
}

/** A data set's objects in input pixels, with the maps that their images give. */
export function fitObjects(images: readonly ImageRecord[], detector: ModelConfig): FitObjects {
  const labels: number[] = []
  const fitted = images.flatMap((image) => {
    const { boxes, labels: own, crowd, difficult } = image
    const { width, height } = pictureSize(image)
    const input = inputSize(height, width, detector)
    const scales = [input.scaleX, input.scaleY]
    const isLearned = (i: number) => !crowd[i] && (detector.options.difficult === "include" || !difficult[i])
    const kept = Array.from(own.keys()).filter(isLearned)
    for (const i of kept) labels.push(own[i]!)
    const scaled = kept.flatMap((i) => [0, 1, 2, 3].map((k) => boxes[4 * i + k]! * scales[k % 2]!))
    const padded = [input.height, input.width].map((side) => padTo(side, inputDivisor)) as [number, number]
    return [{ boxes: Float64Array.from(scaled), levels: mapSizes(detector, padded) }]
  })
  return { images: fitted, labels }
}
