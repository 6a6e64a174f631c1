import type { Backbone } from "../backbone/backbone.js"
import { pyramidLevels, pyramidStride } from "../backbone/fpn.js"
import { type BoxHead, BoxPredictor } from "../roi/head.js"
import { RoiHeads } from "../roi/roi-heads.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { RpnHead } from "../rpn/head.js"
import { type AnchorHead, Rpn } from "../rpn/rpn.js"
import { UsageError } from "../tensor/errors.js"
import { type Parameters, Scope } from "../tensor/parameters.js"
import { FasterRcnn } from "./faster-rcnn.js"
import { isPyramid, type ModelConfig, rpnDepth } from "./model.js"
import { checkOptions, type FasterRcnnOptions } from "./options.js"
import { buildBoxHead } from "./region-features.js"
import { buildSharedFeatures } from "./shared-features.js"

/**
 * Puts a detector together and creates its parameters, by torchvision's names: `backbone.*`, `rpn.head.*`,
 * `roi_heads.box_head.*`, `roi_heads.box_predictor.*`.
 * @param numClasses K, without the background
 * @throws UsageError for a model name that is not known, or a pyramid with other than one anchor size a level
 */
export function buildFasterRcnn(parameters: Parameters, config: ModelConfig, numClasses: number): FasterRcnn {
  return assemble(buildLayers(parameters, config, numClasses), detectorOptions(config))
}

/** The layers of a detector, by its parts. */
export interface DetectorLayers {
  readonly backbone: Backbone
  readonly rpnHead: AnchorHead
  readonly boxHead: BoxHead
  readonly predictor: BoxPredictor
}

/** Layers with all that goes on between them. */
export function assemble(
  { backbone, rpnHead, boxHead, predictor }: DetectorLayers,
  options: FasterRcnnOptions,
): FasterRcnn {
  const { anchors, rpn, roi, align, context } = options
  return new FasterRcnn(
    {
      backbone,
      rpn: new Rpn(rpnHead, { ...rpn, anchors }),
      roiHeads: new RoiHeads({ boxHead, predictor }, { ...roi, align, context, stride: anchors.stride }),
    },
    options,
  )
}

/** The layers that `buildFasterRcnn` assembles. */
export function buildLayers(parameters: Parameters, config: ModelConfig, numClasses: number): DetectorLayers {
  const { anchors, context, roi } = config.options
  const levels = isPyramid(config.model) ? pyramidLevels : 1
  if (levels > 1 && anchors.sizes.length !== levels) {
    throw new UsageError(
      `${config.model}: expected ${levels} detector.anchors.sizes, one for each level of the pyramid, ` +
        `got ${anchors.sizes.join(", ")}`,
    )
  }
  const scope = new Scope(parameters)
  const backbone = buildSharedFeatures(scope.in("backbone"), config)
  const { channels } = backbone
  const sizes = { channels, anchors: anchorsPerCell(anchors, levels), depth: rpnDepth(config.model) }
  const rpnHead = new RpnHead(scope.in("rpn.head"), sizes)
  const heads = scope.in("roi_heads")
  const boxHead = buildBoxHead(heads.in("box_head"), config, channels)
  const predictor = new BoxPredictor(heads.in("box_predictor"), {
    // Twice as wide where each region's vector comes with the whole image's.
    channels: context ? 2 * boxHead.channels : boxHead.channels,
    numClasses,
    classAgnostic: roi.classAgnostic,
  })
  return { backbone, rpnHead, boxHead, predictor }
}

/**
 * A configuration's options as its model has them: a pyramid's finest level has a stride of its own.
 * @throws UsageError for a value that a part cannot work with
 */
export function detectorOptions({ model, options }: ModelConfig): FasterRcnnOptions {
  checkOptions(options)
  return isPyramid(model) ? { ...options, anchors: { ...options.anchors, stride: pyramidStride } } : options
}
