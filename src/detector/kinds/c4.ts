import { type NetworkSpec, stageChannels } from "../../backbone/architecture.js"
import { resNetBackbone, stage } from "../../backbone/resnet.js"
import type { DetectorSpec } from "../detector-spec.js"
import type { ModelConfig } from "../model.js"

/**
 * Faster R-CNN of the ResNet paper: conv1 to conv4 are shared, stride 16; conv5 (`layer4.*`) runs on every region, and the
 * mean over its cells is the region's vector.
 * @source He et al. 2015, appendix A
 */
export function c4({ norm, conv5Norm, frozen: freezeAt }: ModelConfig, network: NetworkSpec): DetectorSpec {
  const conv5 = network.stages[3]!
  return {
    backbone: resNetBackbone(network, { norm, freezeAt, stages: 3 }),
    rpnDepth: 1,
    boxHead: {
      channels: stageChannels(conv5),
      features: (ops, pooled) => ops.averagePool(stage(ops.in("layer4"), conv5, conv5Norm, pooled)),
    },
  }
}
