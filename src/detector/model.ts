import { type Depth, depths, type ResNetOptions, resNetDefaults } from "../backbone/architecture.js"
import { UsageError } from "../core/errors.js"
import { imageNet, type Normalisation } from "../core/normalisation.js"
import type { SizeRule } from "../core/size-rule.js"
import { didYouMean } from "../core/suggest.js"
import type { NormKind } from "../layers/ops.js"
import { type DeepPartial, type FasterRcnnOptions, fasterRcnnDefaults, withOverrides } from "./options.js"
import { usualSides } from "./usual-sides.js"

/** All that tells one detector from another, beside its weights and classes; it is stored in the weights file. */
export interface ModelConfig {
  /** Such as `fasterrcnn_resnet18_c4` or `fasterrcnn_resnet50_fpn`. */
  readonly model: string
  /** Length of the shorter side at which images enter, unless the longer one would pass `maxSize`; input pixels. */
  readonly size: number
  readonly maxSize: number
  /** How the sides of inputs are rounded. */
  readonly sizeRule: SizeRule
  /** How values enter: as in the classifier that its backbone comes from. */
  readonly input: Normalisation
  /** Where a bottleneck block has its stride: torchvision's 3x3, or the first 1x1 as in the paper's released models. */
  readonly strideIn: ResNetOptions["strideIn"]
  /** The paper's shortcut option of its ResNet: that of the classifier it comes from. */
  readonly shortcut: ResNetOptions["shortcut"]
  /** Norm of the shared features, and of a C4 detector's conv5, which runs on every region. */
  readonly norm: NormKind
  readonly conv5Norm: NormKind
  /** Norm of a second pyramid's own layers and of its head on every region; other detectors have none there. */
  readonly headNorm: NormKind
  /** How many parts do not learn, from the image on: 1 the stem, 2 the stem and layer1, ... */
  readonly frozen: number
  readonly options: FasterRcnnOptions
}

/** How images come into a detector. */
export interface InputConfig extends Pick<ModelConfig, "size" | "maxSize" | "input"> {
  /** `exact` where left out. */
  readonly sizeRule?: SizeRule
}

/**
 * @source detectron2 C4 models: frozen batch norm, FREEZE_AT 2. conv5 has group norm unless the weights bring a trained
 * one: with batch norm over sampled regions it scores 0 at test. So have the layers of `headNorm`
 */
export const modelDefaults: Omit<ModelConfig, "model"> = {
  ...usualSides,
  sizeRule: "exact",
  input: imageNet,
  strideIn: resNetDefaults.strideIn,
  shortcut: resNetDefaults.shortcut,
  norm: "frozen",
  conv5Norm: "group",
  headNorm: "group",
  frozen: 2,
  options: fasterRcnnDefaults,
}

/** A configuration as it was stored: what it lacks was not to be chosen then. */
export type StoredModelConfig = Pick<ModelConfig, "model"> & DeepPartial<ModelConfig>

/**
 * A stored configuration in full. A choice that came later has a default by which nothing changes for older detectors.
 * @throws UsageError for an option that is not known
 */
export function completeConfig(stored: StoredModelConfig): ModelConfig {
  return withOverrides({ ...modelDefaults, model: stored.model }, stored, "config")
}

/** The model of a detector whose backbone a program brings. */
export const ownModel = "own"

/** What stands behind the backbone's name. */
const kinds = ["c4", "dc5", "fpn", "fpn_v2"] as const
export type DetectorKind = (typeof kinds)[number]

const models = kinds.flatMap((kind) =>
  depths.map((depth) => ({ name: `fasterrcnn_resnet${depth}_${kind}`, depth, kind })),
)

/**
 * The detectors that can be built: `c4` as in the ResNet paper, `dc5` with a dilated conv5 as detectron2's, `fpn` with a
 * feature pyramid as torchvision's, `fpn_v2` with norms in it and more layers behind it as torchvision's second.
 */
export const modelNames: readonly string[] = models.map(({ name }) => name)

/**
 * The backbone's depth and the kind of detector that a name tells.
 * @throws UsageError for a name that is not among `modelNames`
 */
export function parseModel(model: string): { readonly depth: Depth; readonly kind: DetectorKind } {
  const known = models.find(({ name }) => name === model)
  if (known === undefined) {
    throw new UsageError(`unknown model "${model}".${didYouMean(model, modelNames)} Known: ${modelNames.join(", ")}`)
  }
  return known
}

/** Whether conv5 is one of the shared stages, not run on every region. */
export const sharesConv5 = (model: string): boolean => parseModel(model).kind !== "c4"

/** A detector's norms in words, those that it has. */
export function describeNorms({ model, norm, conv5Norm, headNorm }: ModelConfig): string {
  if (model === ownModel) return "a backbone of its own"
  const { kind } = parseModel(model)
  const conv5 = kind === "c4" || conv5Norm !== norm ? [`conv5 ${conv5Norm} norm`] : []
  const pyramid = kind === "fpn_v2" ? [`pyramid and head ${headNorm} norm`] : []
  return [`${norm} norm`, ...conv5, ...pyramid].join(", ")
}
