import * as tf from "@tensorflow/tfjs-core"
import { resNetSpec } from "../backbone/architecture.js"
import { Trunk } from "../backbone/resnet.js"
import { Stage } from "../backbone/stage.js"
import { BoxPredictor, type RegionFeatures } from "../roi/head.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { RpnHead } from "../rpn/head.js"
import { type Parameters, Scope } from "../tensor/parameters.js"
import { FasterRcnn, type FasterRcnnParts } from "./faster-rcnn.js"
import { backboneDepth, type ModelConfig } from "./model.js"

/**
 * Puts a detector together and creates its parameters, by torchvision's names: `backbone.*` (conv1 to layer3),
 * `rpn.head.*`, `roi_heads.box_head.layer4.*`, `roi_heads.box_predictor.*`.
 * @param numClasses K, without the background
 * @throws UsageError for a model name that is not known
 */
export function buildFasterRcnn(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnn {
  return new FasterRcnn(buildParts(parameters, config, numClasses), config.options)
}

/** The parts that `buildFasterRcnn` puts together. */
export function buildParts(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnnParts {
  const { model, strideIn, norm, conv5Norm, frozen, options } = config
  const spec = resNetSpec(backboneDepth(model), { strideIn })
  const scope = new Scope(parameters)
  const backbone = new Trunk(scope.in("backbone"), spec, { norm, frozen })
  const rpn = new RpnHead(scope.in("rpn").in("head"), {
    channels: backbone.channels,
    anchors: anchorsPerCell(options.anchors),
  })
  const heads = scope.in("roi_heads")
  const conv5 = new Stage(heads.in("box_head").in("layer4"), spec.stages[3]!, conv5Norm)
  const predictor = new BoxPredictor(heads.in("box_predictor"), { channels: conv5.channels, numClasses })
  return { backbone, rpn, regions: averagePooled(conv5), predictor }
}

/** conv5 on every region, then the mean over its cells. @source He et al. 2015, appendix A */
function averagePooled(conv5: Stage): RegionFeatures {
  return {
    channels: conv5.channels,
    apply: (pooled) => tf.mean(conv5.forward(pooled), [1, 2]),
  }
}
