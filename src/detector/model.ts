import { type Depth, depths } from "../backbone/architecture.js"
import type { NormKind } from "../backbone/norm.js"
import { UsageError } from "../tensor/errors.js"
import { didYouMean } from "../tensor/suggest.js"
import { type FasterRcnnOptions, fasterRcnnDefaults } from "./options.js"

/** All that tells one detector from another, beside its weights and classes; it is stored in the weights file. */
export interface ModelConfig {
  /** Such as `fasterrcnn_resnet18_c4`. */
  readonly model: string
  /** Length of the shorter side at which images enter, unless the longer one would pass `maxSize`; input pixels. */
  readonly size: number
  readonly maxSize: number
  /** Where a bottleneck block has its stride: torchvision's 3x3, or the first 1x1 as in the paper's released models. */
  readonly strideIn: "3x3" | "1x1"
  /** Norm of the shared features (conv1 to conv4) and of conv5, which runs on every region. */
  readonly norm: Exclude<NormKind, "batch">
  readonly conv5Norm: Exclude<NormKind, "batch">
  /** How many parts do not learn, from the image on: 1 the stem, 2 the stem and layer1, ... */
  readonly frozen: number
  readonly options: FasterRcnnOptions
}

/**
 * @source detectron2 C4 models: frozen batch norm, FREEZE_AT 2; 800 / 1333: torchvision and detectron2. conv5 has group
 * norm unless the weights bring a trained one: with batch norm over sampled regions it scores 0 at test
 */
export const modelDefaults: Omit<ModelConfig, "model"> = {
  size: 800,
  maxSize: 1333,
  strideIn: "3x3",
  norm: "frozen",
  conv5Norm: "group",
  frozen: 2,
  options: fasterRcnnDefaults,
}

/** The detectors that can be built. */
export const modelNames: readonly string[] = depths.map((depth) => `fasterrcnn_resnet${depth}_c4`)

/**
 * The backbone's depth that a detector's name tells.
 * @throws UsageError for a name that is not among `modelNames`
 */
export function backboneDepth(model: string): Depth {
  const depth = depths.find((known) => model === `fasterrcnn_resnet${known}_c4`)
  if (depth === undefined) {
    throw new UsageError(`unknown model "${model}".${didYouMean(model, modelNames)} Known: ${modelNames.join(", ")}`)
  }
  return depth
}
