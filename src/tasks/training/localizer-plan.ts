import { stagesOf } from "../../localize/localizer-file.js"
import { classRpnDefaults } from "../../localize/options.js"
import type { Checkpoint } from "../../weights/checkpoint.js"
import type { LocalizerConfig } from "../../weights/model-info.js"
import { expectNetwork, planInput, planNetwork } from "../../weights/plan.js"
import type { LocalizeTrainConfig } from "../options/train-localizer.js"

/**
 * Decides what is trained: what the user said, else what the weights tell of themselves, else the defaults. Trained
 * batch norms stay as they are, frozen; what starts from nothing gets group norm.
 * @param checkpoint of the weights, where some are given
 * @throws UsageError for a network that is not known; DataError for a file of another network
 */
export function planLocalizer(config: LocalizeTrainConfig, checkpoint: Checkpoint | undefined): LocalizerConfig {
  const { stage, size, anchors, strideIn, frozen } = config
  const network = config.network ?? checkpoint?.origin.network ?? "resnet18"
  expectNetwork(checkpoint, network, `leave out network ${network}`)
  const trained = checkpoint === undefined ? "group" : "frozen"
  const auto = checkpoint?.model.kind === "localizer" ? checkpoint.model.info.config.norm : trained
  return {
    stage,
    network,
    options: planNetwork(checkpoint, network, { strideIn }),
    norm: config.norm === "auto" ? auto : config.norm,
    frozen,
    stages: stage === "rpn" ? (config.stages ?? stagesOf(network)) : stagesOf(network),
    size,
    ...planInput(checkpoint),
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
