import { type LocalizerConfig, readLocalizerInfo, stagesOf } from "../localize/localizer-file.js"
import { classRpnDefaults } from "../localize/options.js"
import { imageNet } from "../tensor/normalisation.js"
import { readClassifierInfo } from "../weights/classifier-file.js"
import type { LocalizeTrainConfig } from "./localize-config.js"

/**
 * Decides what is trained: what the user said, else what the weights tell of themselves, else the defaults. Trained
 * batch norms stay as they are, frozen; what starts from nothing gets group norm.
 * @throws UsageError for a network that is not known; DataError for a weights file that cannot be read
 */
export function planLocalizer(config: LocalizeTrainConfig): LocalizerConfig {
  const { weights, stage, size, anchors, strideIn, frozen } = config
  const localizer = weights === undefined ? undefined : readLocalizerInfo(weights)?.config
  const known = localizer ?? (weights === undefined ? undefined : readClassifierInfo(weights)?.config)
  const network = config.network ?? known?.network ?? "resnet18"
  const auto = localizer?.norm ?? (weights === undefined ? "group" : "frozen")
  return {
    stage,
    network,
    options: { ...known?.options, ...(strideIn === undefined ? {} : { strideIn }) },
    norm: config.norm === "auto" ? auto : config.norm,
    frozen,
    stages: stage === "rpn" ? (config.stages ?? stagesOf(network)) : stagesOf(network),
    size,
    mean: known?.mean ?? imageNet.mean,
    std: known?.std ?? imageNet.std,
    rpn: {
      ...classRpnDefaults,
      anchors: { sizes: anchors.sizes ?? scaled(size), ratios: anchors.ratios },
    },
  }
}

/** The default anchors, which are for crops of 224, as large beside crops of another size. */
function scaled(size: number): number[] {
  return classRpnDefaults.anchors.sizes.map((length) => (length * size) / 224)
}
