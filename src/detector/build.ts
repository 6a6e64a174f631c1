import * as tf from "@tensorflow/tfjs-core"
import { resNetSpec, stageChannels } from "../backbone/architecture.js"
import { PyramidTrunk, pyramidStride } from "../backbone/fpn.js"
import { Trunk } from "../backbone/resnet.js"
import { Stage } from "../backbone/stage.js"
import { BoxPredictor, type RegionFeatures } from "../roi/head.js"
import { LinearHead } from "../roi/linear-head.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { RpnHead } from "../rpn/head.js"
import { UsageError } from "../tensor/errors.js"
import { type Parameters, Scope } from "../tensor/parameters.js"
import { FasterRcnn, type FasterRcnnParts } from "./faster-rcnn.js"
import { backboneDepth, isPyramid, type ModelConfig } from "./model.js"
import type { FasterRcnnOptions } from "./options.js"

/**
 * Puts a detector together and creates its parameters, by torchvision's names: `backbone.*`, `rpn.head.*`,
 * `roi_heads.box_head.*` (`layer4.*` of a C4 detector, `fc6` and `fc7` of a pyramid's), `roi_heads.box_predictor.*`.
 * @param numClasses K, without the background
 * @throws UsageError for a model name that is not known, or a pyramid with other than one anchor size a level
 */
export function buildFasterRcnn(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnn {
  return new FasterRcnn(buildParts(parameters, config, numClasses), detectorOptions(config))
}

/** The parts that `buildFasterRcnn` puts together. */
export function buildParts(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnnParts {
  return isPyramid(config.model)
    ? pyramidParts(parameters, config, numClasses)
    : c4Parts(parameters, config, numClasses)
}

/** A configuration's options as its model has them: a pyramid's finest level has a stride of its own. */
export function detectorOptions({ model, options }: ModelConfig): FasterRcnnOptions {
  return isPyramid(model) ? { ...options, anchors: { ...options.anchors, stride: pyramidStride } } : options
}

/** conv1 to conv4 shared, conv5 on every region. @source He et al. 2015, appendix A */
function c4Parts(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnnParts {
  const { model, strideIn, norm, conv5Norm, frozen, options } = config
  const spec = resNetSpec(backboneDepth(model), { strideIn })
  const scope = new Scope(parameters)
  const trunk = new Trunk(scope.in("backbone"), spec, { norm, frozen })
  const heads = scope.in("roi_heads")
  return {
    backbone: { frozen: (images) => trunk.frozen(images), trainable: (stem) => [trunk.trainable(stem)] },
    rpn: new RpnHead(scope.in("rpn.head"), { channels: trunk.channels, anchors: anchorsPerCell(options.anchors) }),
    regions: averagePooled(new Stage(heads.in("box_head.layer4"), spec.stages[3]!, conv5Norm)),
    predictor: predictor(heads, stageChannels(spec.stages[3]!), options, numClasses),
  }
}

/** conv1 to conv5 and a pyramid shared, two linear layers on every region. @source Lin et al. 2017 (FPN), section 4 */
function pyramidParts(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnnParts {
  const { model, strideIn, norm, frozen, options } = config
  const spec = resNetSpec(backboneDepth(model), { strideIn })
  const levels = spec.stages.length + 1
  const { sizes } = options.anchors
  if (sizes.length !== levels) {
    throw new UsageError(
      `${model}: expected ${levels} detector.anchors.sizes, one for each level of the pyramid, got ${sizes.join(", ")}`,
    )
  }
  const scope = new Scope(parameters)
  const backbone = new PyramidTrunk(scope.in("backbone"), spec, { norm, frozen })
  const { channels } = backbone
  const heads = scope.in("roi_heads")
  const regions = new LinearHead(heads.in("box_head"), { channels, size: options.align.size })
  return {
    backbone,
    rpn: new RpnHead(scope.in("rpn.head"), { channels, anchors: anchorsPerCell(options.anchors, levels) }),
    regions,
    predictor: predictor(heads, regions.channels, options, numClasses),
  }
}

/** The sibling layers, twice as wide where each region's vector comes with the whole image's. */
function predictor(heads: Scope, vector: number, { context }: FasterRcnnOptions, numClasses: number): BoxPredictor {
  return new BoxPredictor(heads.in("box_predictor"), { channels: context ? 2 * vector : vector, numClasses })
}

/** conv5 on every region, then the mean over its cells. @source He et al. 2015, appendix A */
function averagePooled(conv5: Stage): RegionFeatures {
  return {
    channels: conv5.channels,
    apply: (pooled) => tf.mean(conv5.forward(pooled), [1, 2]),
  }
}
