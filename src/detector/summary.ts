import type { NetworkSpec } from "../backbone/architecture.js"
import { stageChannels } from "../backbone/architecture.js"
import { pyramidChannels } from "../backbone/fpn.js"
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
import { linearChannels } from "../roi/linear-head.js"
import { anchorsPerCell } from "../rpn/anchors.js"
import { isPyramid, type ModelConfig, parseModel, rpnDepth } from "./model.js"
import { headConvolutions } from "./region-features.js"
import { backboneSpec } from "./shared-features.js"

/** Layers that all regions share, and the maps they give. */
interface SharedRows {
  readonly rows: readonly LayerRow[]
  /** Of each level's map, finest first. */
  readonly levels: readonly Size[]
  readonly channels: number
}

/**
 * Counts a detector's parameters and multiply-adds for one image at test, without an engine. What runs on each region is
 * counted for as many regions as there are proposals at test, what runs on each level of a pyramid for all of them.
 * @param inputSize of the image as it enters the network
 */
export function summarizeDetector(config: ModelConfig, inputSize: Size, numClasses: number): Summary {
  const { options, model } = config
  const spec = backboneSpec(config)
  const shared = isPyramid(model) ? pyramidRows(spec, config, inputSize) : mapRows(spec, config, inputSize)
  const regions = options.proposals.test.afterNms
  const perRegion = headRows(spec, config, shared.channels, numClasses)
  return total([
    ...shared.rows.map((row) => ({ ...row, name: `backbone.${row.name}` })),
    ...rpnRows(shared, rpnDepth(model), anchorsPerCell(options.anchors, shared.levels.length)),
    ...perRegion.map((row): LayerRow => ({ ...row, multiplyAdds: regions * row.multiplyAdds })),
  ])
}

/** conv1 to conv4, or to conv5 where that is shared too. */
function mapRows(spec: NetworkSpec, { model, norm, conv5Norm }: ModelConfig, inputSize: Size): SharedRows {
  const stages = parseModel(model).kind === "c4" ? spec.stages.slice(0, 3) : spec.stages
  const { rows, sizes } = trunkRows({ ...spec, stages }, inputSize, normValues[norm], normValues[conv5Norm])
  return { rows, levels: [sizes.at(-1)!], channels: stageChannels(stages.at(-1)!) }
}

/** A whole ResNet and a pyramid of P2 to P6. */
function pyramidRows(
  spec: NetworkSpec,
  { model, norm, conv5Norm, headNorm }: ModelConfig,
  inputSize: Size,
): SharedRows {
  const { rows, sizes } = trunkRows(spec, inputSize, normValues[norm], normValues[conv5Norm])
  const perChannel = parseModel(model).kind === "fpn_v2" ? normValues[headNorm] : 1
  const inner = spec.stages.map((stage, level) => {
    const shape = { kernel: 1, stride: 1, in: stageChannels(stage), out: pyramidChannels }
    return convolutionRow({ conv: `fpn.inner_blocks.${level}.0`, ...shape }, "", sizes[level]!, perChannel)
  })
  const outer = spec.stages.map((_, level) => {
    const shape = { kernel: 3, stride: 1, in: pyramidChannels, out: pyramidChannels }
    return convolutionRow({ conv: `fpn.layer_blocks.${level}.0`, ...shape }, "", sizes[level]!, perChannel)
  })
  const [height, width] = sizes.at(-1)!
  return {
    rows: [...rows.map((row) => ({ ...row, name: `body.${row.name}` })), ...inner, ...outer],
    levels: [...sizes, [Math.ceil(height / 2), Math.ceil(width / 2)]],
    channels: pyramidChannels,
  }
}

/** The same layers run on every level; the size is that of the finest. */
function rpnRows({ levels, channels }: SharedRows, depth: number, anchors: number): LayerRow[] {
  const layers = [
    ...Array.from({ length: depth }, (_, index) => [`conv.${index}.0`, 3, channels] as const),
    ["cls_logits", 1, anchors] as const,
    ["bbox_pred", 1, 4 * anchors] as const,
  ]
  return layers.map(([conv, kernel, out]) => {
    const rows = levels.map((size) =>
      convolutionRow({ conv, kernel, stride: 1, in: channels, out }, "rpn.head.", size, 1),
    )
    return { ...rows[0]!, multiplyAdds: rows.reduce((sum, row) => sum + row.multiplyAdds, 0) }
  })
}

/** What one region needs. */
function headRows(spec: NetworkSpec, config: ModelConfig, channels: number, numClasses: number): LayerRow[] {
  const { align, roi } = config.options
  const rows = regionRows(spec, config, channels, align.size)
  const width = rows.at(-1)!.out
  return [
    ...rows.map((row) => ({ ...row, name: `roi_heads.box_head.${row.name}` })),
    linearRow("roi_heads.box_predictor.cls_score", width, numClasses + 1),
    linearRow("roi_heads.box_predictor.bbox_pred", width, 4 * (roi.classAgnostic ? 1 : numClasses + 1)),
  ]
}

/** The layers between a pooled region and its vector. */
function regionRows(
  spec: NetworkSpec,
  { model, conv5Norm, headNorm }: ModelConfig,
  channels: number,
  size: number,
): readonly LayerRow[] {
  const flat = (name: string) => linearRow(name, channels * size * size, linearChannels)
  switch (parseModel(model).kind) {
    case "c4":
      return stageRows(spec.stages[3]!, "layer4.", [size, size], normValues[conv5Norm]).rows
    case "fpn_v2": {
      const shape = { kernel: 3, stride: 1, in: channels, out: channels }
      const convolutions = Array.from({ length: headConvolutions }, (_, index) =>
        convolutionRow({ conv: `${index}.0`, ...shape }, "", [size, size], normValues[headNorm]),
      )
      return [...convolutions, flat(String(headConvolutions + 1))]
    }
    default:
      return [flat("fc6"), linearRow("fc7", linearChannels, linearChannels)]
  }
}
