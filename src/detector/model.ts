import { type Depth, depths } from "../backbone/architecture.js"
import type { NormKind } from "../backbone/norm.js"
import { UsageError } from "../tensor/errors.js"
import { imageNet, type Normalisation } from "../tensor/normalisation.js"
import { didYouMean } from "../tensor/suggest.js"
import { type FasterRcnnOptions, fasterRcnnDefaults } from "./options.js"

/** All that tells one detector from another, beside its weights and classes; it is stored in the weights file. */
export interface ModelConfig {
  /** Such as `fasterrcnn_resnet18_c4` or `fasterrcnn_resnet50_fpn`. */
  readonly model: string
  /** Length of the shorter side at which images enter, unless the longer one would pass `maxSize`; input pixels. */
  readonly size: number
  readonly maxSize: number
  /** How values enter: as in the classifier that its backbone comes from. */
  readonly input: Normalisation
  /** Where a bottleneck block has its stride: torchvision's 3x3, or the first 1x1 as in the paper's released models. */
  readonly strideIn: "3x3" | "1x1"
  /** Norm of the shared features, and of a C4 detector's conv5, which runs on every region. */
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
  input: imageNet,
  strideIn: "3x3",
  norm: "frozen",
  conv5Norm: "group",
  frozen: 2,
  options: fasterRcnnDefaults,
}

/** A configuration as it was stored: what it lacks was not to be chosen then. */
export type StoredModelConfig = Omit<ModelConfig, "input"> & Partial<Pick<ModelConfig, "input">>

/** A stored configuration in full: detectors of before `input` had ImageNet's. */
export function completeConfig(stored: StoredModelConfig): ModelConfig {
  return { input: imageNet, ...stored }
}

const kinds = ["c4", "fpn"] as const

/** The detectors that can be built: `c4` as in the ResNet paper, `fpn` with a feature pyramid as torchvision's. */
export const modelNames: readonly string[] = kinds.flatMap((kind) =>
  depths.map((depth) => `fasterrcnn_resnet${depth}_${kind}`),
)

/**
 * The backbone's depth that a detector's name tells.
 * @throws UsageError for a name that is not among `modelNames`
 */
export function backboneDepth(model: string): Depth {
  const depth = depths.find((known) => kinds.some((kind) => model === `fasterrcnn_resnet${known}_${kind}`))
  if (depth === undefined) {
    throw new UsageError(`unknown model "${model}".${didYouMean(model, modelNames)} Known: ${modelNames.join(", ")}`)
  }
  return depth
}

/** Whether a detector has a feature pyramid (then `conv5Norm` and the anchors' stride mean nothing: they follow from it). */
export function isPyramid(model: string): boolean {
  return model.endsWith("_fpn")
}
