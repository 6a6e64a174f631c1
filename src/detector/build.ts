import { pyramidLevels, pyramidStride } from "../backbone/fpn.js"
import { BoxPredictor } from "../roi/head.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { RpnHead } from "../rpn/head.js"
import { UsageError } from "../tensor/errors.js"
import { type Parameters, Scope } from "../tensor/parameters.js"
import { FasterRcnn, type FasterRcnnParts } from "./faster-rcnn.js"
import { isPyramid, type ModelConfig, rpnDepth } from "./model.js"
import { checkOptions, type FasterRcnnOptions } from "./options.js"
import { buildRegionFeatures } from "./region-features.js"
import { buildSharedFeatures } from "./shared-features.js"

/**
 * Puts a detector together and creates its parameters, by torchvision's names: `backbone.*`, `rpn.head.*`,
 * `roi_heads.box_head.*`, `roi_heads.box_predictor.*`.
 * @param numClasses K, without the background
 * @throws UsageError for a model name that is not known, or a pyramid with other than one anchor size a level
 */
export function buildFasterRcnn(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnn {
  return new FasterRcnn(buildParts(parameters, config, numClasses), detectorOptions(config))
}

/** The parts that `buildFasterRcnn` puts together. */
export function buildParts(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnnParts {
  const { anchors } = config.options
  const levels = isPyramid(config.model) ? pyramidLevels : 1
  if (levels > 1 && anchors.sizes.length !== levels) {
    throw new UsageError(
      `${config.model}: expected ${levels} detector.anchors.sizes, one for each level of the pyramid, ` +
        `got ${anchors.sizes.join(", ")}`,
    )
  }
  const scope = new Scope(parameters)
  const { backbone, channels } = buildSharedFeatures(scope.in("backbone"), config)
  const rpn = new RpnHead(scope.in("rpn.head"), {
    channels,
    anchors: anchorsPerCell(anchors, levels),
    depth: rpnDepth(config.model),
  })
  const heads = scope.in("roi_heads")
  const regions = buildRegionFeatures(heads.in("box_head"), config, channels)
  const { context, roi } = config.options
  // Twice as wide where each region's vector comes with the whole image's.
  const vector = context ? 2 * regions.channels : regions.channels
  const sizes = { channels: vector, numClasses, classAgnostic: roi.classAgnostic }
  const predictor = new BoxPredictor(heads.in("box_predictor"), sizes)
  return { backbone, rpn, regions, predictor }
}

/**
 * A configuration's options as its model has them: a pyramid's finest level has a stride of its own.
 * @throws UsageError for a value that a part cannot work with
 */
export function detectorOptions({ model, options }: ModelConfig): FasterRcnnOptions {
  checkOptions(options)
  return isPyramid(model) ? { ...options, anchors: { ...options.anchors, stride: pyramidStride } } : options
}
