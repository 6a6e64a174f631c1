import { describedMaps } from "../backbone/backbone.js"
import type { Size } from "../core/shapes.js"
import { counted, countLayers, type LayerRow, type Summary, total } from "../layers/count.js"
import { boxPredictor } from "../roi/head.js"
import { rpnHead } from "../rpn/head.js"
import { predictorSizes, rpnHeadSizes } from "./build.js"
import { type DetectorSpec, detectorSpec } from "./detector-spec.js"
import type { ModelConfig } from "./model.js"

/**
 * Counts a detector's parameters and multiply-adds for one image at test, without an engine. What runs on each region is
 * counted for as many regions as there are proposals at test, what runs on each level of a pyramid for all of them.
 * @param inputSize of the image as it enters the network
 */
export function summarizeDetector(
  config: ModelConfig,
  inputSize: Size,
  numClasses: number,
  spec: DetectorSpec = detectorSpec(config),
): Summary {
  const { align, proposals } = config.options
  const shared = countLayers((ops) => {
    const maps = describedMaps(ops.in("backbone"), spec.backbone, counted(inputSize))
    for (const map of maps) rpnHead(ops.in("rpn").in("head"), rpnHeadSizes(spec, config), map)
  })
  const perRegion = countLayers((ops) => {
    const heads = ops.in("roi_heads")
    const vectors = spec.boxHead.features(heads.in("box_head"), counted([align.size, align.size]))
    boxPredictor(heads.in("box_predictor"), predictorSizes(spec.boxHead, config, numClasses), vectors)
  })
  const regions = proposals.test.postNmsTopN
  const times = (row: LayerRow): LayerRow => ({ ...row, multiplyAdds: regions * row.multiplyAdds })
  return total([...shared.rows, ...perRegion.rows.map(times)])
}
