import type { NetworkSpec } from "../../backbone/architecture.js"
import { fpnBackbone } from "../../backbone/fpn.js"
import { twoLinearLayers } from "../../roi/head.js"
import type { DetectorSpec } from "../detector-spec.js"
import type { ModelConfig } from "../model.js"

/**
 * A feature pyramid on conv2 to conv5; two linear layers run on every region.
 * @source FPN (Lin et al. 2017), section 4; torchvision `fasterrcnn_resnet50_fpn`
 */
export function fpn(config: ModelConfig, network: NetworkSpec): DetectorSpec {
  const { norm, conv5Norm, frozen: freezeAt, options } = config
  const backbone = fpnBackbone(network, { norm, conv5Norm, freezeAt, pyramidNorm: "none" })
  return { backbone, rpnDepth: 1, boxHead: twoLinearLayers(backbone.channels, options.align.size) }
}
