import { depths, resNetSpec } from "../backbone/architecture.js"
import { networkSpec } from "../backbone/networks.js"
import { DataError, UsageError } from "../core/errors.js"
import { imageNet, type Normalisation } from "../core/normalisation.js"
import type { Weights } from "../core/parameters.js"
import type { SizeRule } from "../core/size-rule.js"
import {
  type DetectorKind,
  type InputConfig,
  type ModelConfig,
  modelDefaults,
  ownModel,
  parseModel,
  sharesConv5,
} from "../detector/model.js"
import { type DeepPartial, type FasterRcnnOptions, withOverrides } from "../detector/options.js"
import { defaultModel, defaultPreset, type PresetName } from "../detector/preset-names.js"
import { preset } from "../detector/presets.js"
import type { NormKind } from "../layers/ops.js"
import type { Checkpoint } from "./checkpoint.js"
import type { NetworkChoices } from "./model-info.js"
import { detectorName, plainName } from "./names.js"

/** What the user says of a detector; what is left out, or `auto`, is the file's own, else the default. */
export interface ModelOverrides {
  readonly model?: string | undefined
  readonly preset?: PresetName | undefined
  /** Input pixels; a shorter side of one's own takes the longest along in proportion, unless that is given too. */
  readonly size?: number | undefined
  readonly maxSize?: number | undefined
  readonly sizeRule?: SizeRule | undefined
  readonly input?: Partial<Normalisation> | undefined
  readonly strideIn?: ModelConfig["strideIn"] | undefined
  readonly norm?: "auto" | NormKind
  readonly conv5Norm?: "auto" | NormKind
  readonly headNorm?: "auto" | NormKind
  readonly frozen?: number | undefined
  /** Single values of the detector's options. */
  readonly options?: DeepPartial<FasterRcnnOptions>
}

/**
 * The whole configuration of a detector that starts from a file's weights, or from nothing: what the user says, else what
 * the file says of its network, else the preset. It reads no values and changes nothing.
 * @throws DataError for a file of another network, or one that leaves the stride of its blocks in doubt; UsageError for a
 * model, preset or option that is not known
 */
export function planModel(checkpoint: Checkpoint | undefined, overrides: ModelOverrides = {}): ModelConfig {
  const model = planModelName(checkpoint, overrides.model)
  const { depth } = parseModel(model)
  const own = ownConfig(checkpoint, model)
  const chosen = overrides.preset ?? planPreset(checkpoint, model)
  const base = chosen === undefined ? own! : preset(chosen, model)
  const { strideIn = modelDefaults.strideIn, shortcut = modelDefaults.shortcut } = planNetwork(
    checkpoint,
    `resnet${depth}`,
    { strideIn: overrides.strideIn },
  )
  const options = withOverrides(base.options, overrides.options ?? {})
  return {
    ...modelDefaults,
    ...planNorms(checkpoint, model, overrides, chosen),
    ...inputSizes(base, overrides),
    input: planInput(checkpoint, overrides.input),
    ...{ model, strideIn, shortcut, options },
  }
}

/** The configuration of a detector with a backbone of a program's own: what the user says, else the file, else the preset. */
export function planOwnModel(
  checkpoint: Checkpoint | undefined,
  { preset: name = defaultPreset, input, options = {}, ...sides }: ModelOverrides,
): ModelConfig {
  const base = ownConfig(checkpoint, ownModel) ?? preset(name, ownModel)
  return {
    ...modelDefaults,
    ...inputSizes(base, sides),
    input: planInput(checkpoint, input),
    frozen: 0,
    model: ownModel,
    options: withOverrides(base.options, options),
  }
}

/**
 * The model that a detector from a file is, unless the user says another: its own, else one on the file's network.
 * @throws DataError or UsageError for a file of another network
 */
export function planModelName(checkpoint: Checkpoint | undefined, model: string | undefined): string {
  const planned = model ?? usualModel(checkpoint)
  expectBackbone(checkpoint)
  expectNetwork(checkpoint, `resnet${parseModel(planned).depth}`, `leave out --model ${planned}`)
  return planned
}

function usualModel(checkpoint: Checkpoint | undefined): string {
  if (checkpoint?.model.kind === "detector") return checkpoint.model.info.config.model
  const network = checkpoint?.origin.network
  if (network === undefined || !isBackbone(network)) return defaultModel
  return `fasterrcnn_${network}_${kindOf(checkpoint!) ?? "c4"}`
}

/**
 * The preset of a detector that starts from a file, unless the user names one. A detector of resdet's of the same model
 * keeps what it is like, and has none; one of torchvision's or detectron2's has theirs; others have `usual`.
 */
export function planPreset(
  checkpoint: Checkpoint | undefined,
  model: string,
  usual: PresetName = defaultPreset,
): PresetName | undefined {
  if (checkpoint === undefined) return usual
  if (ownConfig(checkpoint, model) !== undefined) return undefined
  if (model === ownModel) return usual
  if (kindOf(checkpoint) !== parseModel(model).kind) return usual
  return checkpoint.origin.name === "detectron2" ? "detectron2" : "torchvision"
}

function ownConfig(checkpoint: Checkpoint | undefined, model: string): ModelConfig | undefined {
  if (checkpoint?.model.kind !== "detector") return undefined
  const { config } = checkpoint.model.info
  return config.model === model ? config : undefined
}

/** The kind of a foreign detector; `undefined` where the file holds no whole one. */
export function kindOf({ model, tensors }: Checkpoint): DetectorKind | undefined {
  if (model.kind !== "foreign" || !tensors.has("roi_heads.box_predictor.cls_score.weight")) return undefined
  if (tensors.has("roi_heads.box_head.layer4.0.conv1.weight")) return "c4"
  if (tensors.has("backbone.fpn.inner_blocks.0.1.weight")) return "fpn_v2"
  return [...tensors.keys()].some((name) => name.startsWith("backbone.fpn.")) ? "fpn" : "dc5"
}

/** A shorter side of one's own takes the longest along in proportion, unless that is given too. */
export function inputSizes(
  base: Omit<InputConfig, "input">,
  { size, maxSize, sizeRule = base.sizeRule ?? "exact" }: Pick<ModelOverrides, "size" | "maxSize" | "sizeRule">,
): Pick<ModelConfig, "size" | "maxSize" | "sizeRule"> {
  const shorter = size ?? base.size
  return { size: shorter, maxSize: maxSize ?? Math.round((shorter * base.maxSize) / base.size), sizeRule }
}

/** How values enter a network that starts from a file: as the network in it was trained. */
export function planInput(checkpoint: Checkpoint | undefined, given: Partial<Normalisation> = {}): Normalisation {
  const { mean, std } = checkpoint?.origin.input ?? imageNet
  return { mean: given.mean ?? mean, std: given.std ?? std }
}

/**
 * @param cure what the user does instead of choosing that network
 * @throws UsageError for a file whose network is known to be another
 */
export function expectNetwork(
  checkpoint: Checkpoint | undefined,
  network: string,
  cure = `leave out --model ${network}`,
): void {
  const known = checkpoint?.origin.network
  if (known === undefined || known === network) return
  throw new UsageError(`${checkpoint!.path} is a ${known}: ${cure}, or take other weights`)
}

/** @throws DataError for a file of a network that no detector is built on */
function expectBackbone(checkpoint: Checkpoint | undefined): void {
  const known = checkpoint?.origin.network
  if (known === undefined || isBackbone(known)) return
  const backbones = depths.map((depth) => `resnet${depth}`).join(", ")
  throw new DataError(`${checkpoint!.path} is a ${known}, which no detector is built on. Take weights of ${backbones}`)
}

const isBackbone = (network: string): boolean => depths.some((depth) => network === `resnet${depth}`)

/** What the user says of a network; `undefined` is not said. */
type NetworkOverrides = { readonly [Name in keyof NetworkChoices]?: NetworkChoices[Name] | undefined }

/**
 * What tells a network from others of its name: what the user says, else what the file says of its own.
 * @throws DataError for a file that leaves the stride of bottleneck blocks in doubt
 */
export function planNetwork(
  checkpoint: Checkpoint | undefined,
  network: string,
  { strideIn, shortcut, zeros }: NetworkOverrides = {},
): NetworkChoices {
  return {
    ...(checkpoint && fileChoices(checkpoint, network, strideIn !== undefined)),
    ...(strideIn && { strideIn }),
    ...(shortcut && { shortcut }),
    ...(zeros && { zeros }),
  }
}

/** A classifier's and a localizer's as they stand in the file; others' where they mean something to the network. */
function fileChoices({ path, model, origin }: Checkpoint, network: string, isStrideSaid: boolean): NetworkChoices {
  if (model.kind === "classifier" || model.kind === "localizer") return model.info.config.options
  const { strideIn, shortcut, zeros, doubt } = origin
  const blocks = networkSpec(network).stages.flat()
  const isBottleneck = blocks.some(({ layers }) => layers.length === 3)
  const hasZeros = blocks.some(({ shortcut }) => typeof shortcut !== "string" && "zeros" in shortcut)
  if (isBottleneck && strideIn === undefined && !isStrideSaid) {
    throw new DataError(
      `${path}: where do its blocks have their stride? ${sentence(doubt ?? "it does not say")}. ` +
        "Set --stride-in 1x1 (the paper's released models) or --stride-in 3x3 (torchvision)",
    )
  }
  return {
    ...(strideIn && (isBottleneck || strideIn !== modelDefaults.strideIn) && { strideIn }),
    ...(isBackbone(network) && shortcut !== modelDefaults.shortcut && { shortcut }),
    ...(hasZeros && { zeros }),
  }
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

type NormConfig = Pick<ModelConfig, "norm" | "conv5Norm" | "headNorm" | "frozen">

/**
 * Decides the norms and how much is frozen. A trained backbone keeps its batch norms, frozen; what starts from nothing
 * gets group norm and learns as a whole. conv5 counts by itself: files without a complete one are common. With a preset of others
 * the frozen norms stand beside their convolutions, as theirs do (decision 189).
 * @param chosen the preset, where the file has no configuration of its own
 * @source the ResNet paper, appendix A (frozen batch norm); torchvision trains all layers without pre-trained weights
 */
export function planNorms(
  checkpoint: Checkpoint | undefined,
  model: string,
  { norm = "auto", conv5Norm = "auto", headNorm = "auto", frozen }: ModelOverrides = {},
  chosen: PresetName = defaultPreset,
): NormConfig {
  const known = checkpoint?.model.kind === "detector" ? checkpoint.model.info.config : undefined
  const trained = known === undefined ? checkpoint : undefined
  const isUnfolded = norm === "unfolded" || (norm === "auto" && chosen !== defaultPreset)
  const constant = isUnfolded ? "unfolded" : "frozen"
  const auto = {
    norm: known?.norm ?? (trained ? constant : "group"),
    headNorm: known?.headNorm ?? (trained && hasHeadNorms(trained) ? constant : "group"),
    conv5Norm: known?.conv5Norm ?? (trained && hasConv5(trained, model) ? constant : "group"),
    frozen: known?.frozen ?? (trained ? 2 : 0),
  } as const
  const pick = (wish: "auto" | NormKind, own: NormKind) => (wish === "auto" ? own : wish)
  const shared = pick(norm, auto.norm)
  // One choice for all shared stages, unless conv5 has to start anew.
  const followsShared = sharesConv5(model) && auto.conv5Norm === auto.norm
  return {
    norm: shared,
    conv5Norm: pick(conv5Norm, followsShared ? shared : auto.conv5Norm),
    headNorm: pick(headNorm, auto.headNorm),
    frozen: frozen ?? auto.frozen,
  }
}

/** Whether a file's pyramid and head have trained norms: only that of a whole second pyramid detector's has. */
function hasHeadNorms({ tensors }: Checkpoint): boolean {
  const norms = ["backbone.fpn.inner_blocks.0.1", "roi_heads.box_head.0.1"]
  return norms.every((norm) => tensors.has(`${norm}.running_mean`))
}

function hasConv5({ tensors }: Checkpoint, model: string): boolean {
  const names = new Set([...tensors.keys()].map(plainName))
  const conv5 = resNetSpec(parseModel(model).depth).stages[3]!
  return conv5.every(({ layers }, block) => layers.every(({ conv }) => names.has(`layer4.${block}.${conv}.weight`)))
}

/** A file's weights by the detector's names, with its norms made the detector's. */
export function detectorWeights(
  checkpoint: Checkpoint,
  { model, norm, conv5Norm, headNorm }: Pick<ModelConfig, "model" | "norm" | "conv5Norm" | "headNorm">,
): Weights {
  if (model === ownModel) return checkpoint.weights()
  const kind = (conv: string) => {
    if (/(inner_blocks|layer_blocks|box_head)\.\d\.0$/.test(conv))
      return parseModel(model).kind === "fpn_v2" ? headNorm : undefined
    return conv.includes("layer4.") ? conv5Norm : norm
  }
  return checkpoint.weights({ rename: detectorName(model), norm: kind })
}

/** A file's weights by the names of a classifier with batch norms: those of a detector's or localizer's ResNet too. */
export const classifierWeights = (checkpoint: Checkpoint): Weights =>
  checkpoint.weights({ rename: plainName, norm: "batch" })
