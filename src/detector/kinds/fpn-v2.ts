import type { NetworkSpec } from "../../backbone/architecture.js"
import { fpnBackbone } from "../../backbone/fpn.js"
import type { NormKind } from "../../layers/ops.js"
import { type BoxHeadSpec, linearChannels, linearLayers } from "../../roi/head.js"
import type { DetectorSpec } from "../detector-spec.js"
import type { ModelConfig } from "../model.js"

/** How many 3x3 convolutions stand before the head's linear layer. @source torchvision `fasterrcnn_resnet50_fpn_v2` */
const headConvolutions = 4

/**
 * A feature pyramid with norms in it, two 3x3 convolutions in the RPN, and a head of convolutions and one linear layer.
 * @source torchvision `fasterrcnn_resnet50_fpn_v2`
 */
export function fpnV2(config: ModelConfig, network: NetworkSpec): DetectorSpec {
  const { norm, conv5Norm, headNorm, frozen: freezeAt, options } = config
  const backbone = fpnBackbone(network, { norm, conv5Norm, freezeAt, pyramidNorm: headNorm })
  return { backbone, rpnDepth: 2, boxHead: convolutionHead(backbone.channels, options.align.size, headNorm) }
}

/** As wide as the features, each convolution with norm and ReLU. @source torchvision `FastRCNNConvFCHead` */
function convolutionHead(channels: number, size: number, norm: NormKind): BoxHeadSpec {
  const spec = { conv: "0", norm: "1", kernel: 3, stride: 1, in: channels, out: channels }
  const places = Array.from({ length: headConvolutions }, (_, index) => index)
  // torchvision counts what has no parameters too: between the convolutions and the linear layer stands a flattening.
  const linear = [String(headConvolutions + 1)]
  return {
    channels: linearChannels,
    features: (ops, pooled) => {
      const maps = places.reduce((x, place) => ops.in(place).conv(x, spec, { norm, relu: true }), pooled)
      return linearLayers(ops, linear, channels * size * size, ops.flatten(maps))
    },
  }
}
