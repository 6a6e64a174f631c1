import * as tf from "@tensorflow/tfjs-core"
import { Stage } from "../backbone/stage.js"
import type { RegionFeatures } from "../roi/head.js"
import { LinearHead } from "../roi/linear-head.js"
import type { Scope } from "../tensor/parameters.js"
import { type ModelConfig, parseModel } from "./model.js"
import { backboneSpec } from "./shared-features.js"

/**
 * What runs on every region: conv5 (`layer4.*`) where it is not shared, else two linear layers (`fc6`, `fc7`).
 * @param channels of the shared features
 */
export function buildRegionFeatures(scope: Scope, config: ModelConfig, channels: number): RegionFeatures {
  if (parseModel(config.model).kind !== "c4")
    return new LinearHead(scope, { channels, size: config.options.align.size })
  return averagePooled(new Stage(scope.in("layer4"), backboneSpec(config).stages[3]!, config.conv5Norm))
}

/** conv5, then the mean over its cells. @source He et al. 2015, appendix A */
function averagePooled(conv5: Stage): RegionFeatures {
  return {
    channels: conv5.channels,
    apply: (pooled) => tf.mean(conv5.forward(pooled), [1, 2]),
  }
}
