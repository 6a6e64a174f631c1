import { resNetSpec, stageChannels } from "../backbone/architecture.js"
import {
  convolutionRow,
  type LayerRow,
  linearRow,
  normValues,
  type Size,
  type Summary,
  stageRows,
  total,
  trunkRows,
} from "../backbone/summary.js"
import { backboneDepth, isPyramid, type ModelConfig } from "../detector/model.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { UsageError } from "../tensor/errors.js"

/**
 * Counts a C4 detector's parameters and multiply-adds for one image at test, without an engine. What runs on each region
 * is counted for as many regions as there are proposals at test.
 * @param inputSize of the image as it enters the network
 * @throws UsageError for a pyramid
 */
export function summarizeDetector(config: ModelConfig, inputSize: Size, numClasses: number): Summary {
  const { model, strideIn, norm, conv5Norm, options } = config
  if (isPyramid(model))
    throw new UsageError(`info: cannot count the layers of ${model} yet, only those of _c4 detectors`)
  const spec = resNetSpec(backboneDepth(model), { strideIn })
  const shared = { ...spec, stages: spec.stages.slice(0, 3) }
  const { rows, size } = trunkRows(shared, inputSize, normValues[norm])
  const channels = stageChannels(shared.stages.at(-1)!)
  const anchors = anchorsPerCell(options.anchors)
  const rpn = [
    ["conv.0.0", 3, channels],
    ["cls_logits", 1, anchors],
    ["bbox_pred", 1, 4 * anchors],
  ] as const
  const conv5 = spec.stages[3]!
  const width = stageChannels(conv5)
  const prefix = "roi_heads.box_head.layer4."
  const perRegion = [
    ...stageRows(conv5, prefix, [options.align.size, options.align.size], normValues[conv5Norm]).rows,
    linearRow("roi_heads.box_predictor.cls_score", width, numClasses + 1),
    linearRow("roi_heads.box_predictor.bbox_pred", width, 4 * (numClasses + 1)),
  ]
  const regions = options.proposals.test.afterNms
  return total([
    ...rows.map((row) => ({ ...row, name: `backbone.${row.name}` })),
    ...rpn.map(([conv, kernel, out]) =>
      convolutionRow({ conv, kernel, stride: 1, in: channels, out }, "rpn.head.", size, 1),
    ),
    ...perRegion.map((row): LayerRow => ({ ...row, multiplyAdds: regions * row.multiplyAdds })),
  ])
}
