import * as tf from "@tensorflow/tfjs-core"
import { convolutionUnit, type NormKind, type Pass } from "../backbone/norm.js"
import { Stage } from "../backbone/stage.js"
import type { BoxHead } from "../roi/head.js"
import { LinearHead } from "../roi/linear-head.js"
import type { Scope } from "../tensor/parameters.js"
import { type ModelConfig, parseModel } from "./model.js"
import { backboneSpec } from "./shared-features.js"

/** How many 3x3 convolutions a second pyramid's head has. @source torchvision `fasterrcnn_resnet50_fpn_v2` */
export const headConvolutions = 4

/**
 * What runs on every region: conv5 (`layer4.*`) where it is not shared, two linear layers (`fc6`, `fc7`) where it is, and
 * in a second pyramid convolutions (`0.*` to `3.*`) and one linear layer (`5`).
 * @param channels of the shared features
 */
export function buildBoxHead(scope: Scope, config: ModelConfig, channels: number): BoxHead {
  const sizes = { channels, size: config.options.align.size }
  switch (parseModel(config.model).kind) {
    case "c4":
      return averagePooled(new Stage(scope.in("layer4"), backboneSpec(config).stages[3]!, config.conv5Norm))
    case "fpn_v2":
      return convolved(scope, sizes, config.headNorm)
    default:
      return new LinearHead(scope, { ...sizes, layers: ["fc6", "fc7"] })
  }
}

/** conv5, then the mean over its cells. @source He et al. 2015, appendix A */
function averagePooled(conv5: Stage): BoxHead {
  const run = (pass: Pass) => (pooled: tf.Tensor4D) => tf.mean<tf.Tensor2D>(conv5[pass](pooled), [1, 2])
  return { channels: conv5.channels, apply: run("forward"), train: run("train") }
}

/** As wide as the features, each convolution with norm and ReLU. @source torchvision `FastRCNNConvFCHead` */
function convolved(scope: Scope, sizes: { channels: number; size: number }, norm: NormKind): BoxHead {
  const { channels } = sizes
  const layer = { conv: "0", norm: "1", kernel: 3, stride: 1, in: channels, out: channels }
  const units = Array.from({ length: headConvolutions }, (_, i) => convolutionUnit(scope.in(i), layer, norm))
  // torchvision counts what has no parameters too: between the convolutions and the linear layer stands a flattening.
  const linear = new LinearHead(scope, { ...sizes, layers: [String(headConvolutions + 1)] })
  const run = (pass: Pass) => (pooled: tf.Tensor4D) =>
    linear.apply(units.reduce((maps, unit) => unit[pass](maps, true), pooled))
  return { channels: linear.channels, apply: run("forward"), train: run("train") }
}
