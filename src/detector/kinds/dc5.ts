import { dilate, type NetworkSpec } from "../../backbone/architecture.js"
import { resNetBackbone } from "../../backbone/resnet.js"
import { twoLinearLayers } from "../../roi/head.js"
import type { DetectorSpec } from "../detector-spec.js"
import type { ModelConfig } from "../model.js"

/**
 * All of a ResNet is shared, its conv5 dilated, so that the stride stays 16; two linear layers run on every region.
 * @source detectron2's R-DC5 models
 */
export function dc5(config: ModelConfig, network: NetworkSpec): DetectorSpec {
  const { norm, conv5Norm, frozen: freezeAt, options } = config
  const dilated = { ...network, stages: [...network.stages.slice(0, 3), dilate(network.stages[3]!, 2)] }
  const backbone = resNetBackbone(dilated, { norm, conv5Norm, freezeAt, stages: 4 })
  return { backbone, rpnDepth: 1, boxHead: twoLinearLayers(backbone.channels, options.align.size) }
}
