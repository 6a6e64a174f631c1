import { resNetSpec } from "../backbone/architecture.js"
import type { NormKind } from "../backbone/norm.js"
import { type ModelConfig, modelDefaults, parseModel, sharesConv5 } from "../detector/model.js"
import { imageNet, type Normalisation } from "../tensor/normalisation.js"
import type { Weights } from "../tensor/parameters.js"
import { readClassifierInfo } from "./classifier-file.js"
import { readDetectorInfo } from "./detector-file.js"
import { loadWeights, readContents } from "./load.js"
import { detectorName } from "./names.js"

/** What can be left to the weights file that training starts from. */
export interface NormWishes {
  readonly norm: "auto" | NormKind
  readonly conv5Norm: "auto" | NormKind
  readonly headNorm: "auto" | NormKind
  readonly frozen: number | undefined
}

type NormConfig = Pick<ModelConfig, "norm" | "conv5Norm" | "headNorm" | "frozen">

/**
 * Decides the norms and how much is frozen. A trained backbone keeps its batch norms, frozen; what starts from nothing
 * gets group norm and learns as a whole. conv5 counts by itself: files without a complete one are common.
 * @source the ResNet paper, appendix A (frozen batch norm); torchvision trains all layers without pre-trained weights
 */
export function planNorms(model: string, weights: string | undefined, wishes: NormWishes): NormConfig {
  const known = weights === undefined ? undefined : readDetectorInfo(weights)?.config
  const trained = weights !== undefined && known === undefined
  const auto = {
    norm: known?.norm ?? (trained ? "frozen" : "group"),
    headNorm: known?.headNorm ?? (trained && hasHeadNorms(weights) ? "frozen" : "group"),
    conv5Norm: known?.conv5Norm ?? (trained && hasConv5(model, weights) ? "frozen" : "group"),
    frozen: known?.frozen ?? (trained ? 2 : 0),
  } as const
  const pick = (wish: "auto" | NormKind, own: NormKind) => (wish === "auto" ? own : wish)
  const norm = pick(wishes.norm, auto.norm)
  // One wish for all shared stages, unless conv5 has to start anew.
  const followsShared = sharesConv5(model) && auto.conv5Norm === auto.norm
  return {
    norm,
    conv5Norm: pick(wishes.conv5Norm, followsShared ? norm : auto.conv5Norm),
    headNorm: pick(wishes.headNorm, auto.headNorm),
    frozen: wishes.frozen ?? auto.frozen,
  }
}

/** How values enter a detector that starts from a file: as the network in it was trained. */
export function planInput(weights: string | undefined): Normalisation {
  if (weights === undefined) return imageNet
  const detector = readDetectorInfo(weights)
  if (detector !== undefined) return detector.config.input
  const { mean, std } = readClassifierInfo(weights)?.config ?? readContents(weights).origin.input
  return { mean, std }
}

/** Where the bottleneck blocks of a detector that starts from a file have their stride: as it was trained with. */
export function planStride(
  weights: string | undefined,
  wish: "auto" | ModelConfig["strideIn"],
): ModelConfig["strideIn"] {
  if (wish !== "auto") return wish
  if (weights === undefined) return modelDefaults.strideIn
  const known = readDetectorInfo(weights)?.config.strideIn ?? readClassifierInfo(weights)?.config.options.strideIn
  return known ?? readContents(weights).origin.strideIn
}

/** A file's weights by the detector's names, with its norms made the detector's. */
export function initialWeights(
  file: string,
  { model, norm, conv5Norm, headNorm }: Pick<ModelConfig, "model" | "norm" | "conv5Norm" | "headNorm">,
): Weights {
  const kind = (conv: string) => {
    if (/(inner_blocks|layer_blocks|box_head)\.\d\.0$/.test(conv))
      return parseModel(model).kind === "fpn_v2" ? headNorm : undefined
    return conv.includes("layer4.") ? conv5Norm : norm
  }
  return loadWeights(file, { rename: detectorName(model), norm: kind }).weights
}

/** Whether a file's pyramid and head have trained norms: only that of a whole second pyramid detector's has. */
function hasHeadNorms(file: string): boolean {
  const names = new Set(readContents(file).names.map((name) => name.replace(/^module\./, "")))
  return ["backbone.fpn.inner_blocks.0.1", "roi_heads.box_head.0.1"].every((norm) => names.has(`${norm}.running_mean`))
}

function hasConv5(model: string, file: string): boolean {
  const rename = detectorName(model)
  const names = new Set(readContents(file).names.map((name) => rename(name.replace(/^module\./, ""))))
  const conv5 = resNetSpec(parseModel(model).depth).stages[3]!
  return conv5.every(({ layers }, block) =>
    layers.every(({ conv }) => names.has(rename(`layer4.${block}.${conv}.weight`))),
  )
}
