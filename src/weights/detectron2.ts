import { modelDefaults } from "../detector/model.js"
import { batchNormEpsilon } from "../engine/batch-norm.js"
import { DataError } from "../tensor/errors.js"
import { fromDetectron2Name, isDetectron2Name } from "./detectron2-names.js"
import { normOf, type Weight } from "./torchvision.js"

type Tensors = ReadonlyMap<string, Weight>

export const isDetectron2 = (tensors: Tensors): boolean => [...tensors.keys()].some(isDetectron2Name)

/**
 * A file of detectron2's, or a backbone of Detectron's, as torchvision would have written it (axes stay PyTorch's):
 * - the background is the first class, not the last, and has a box of zeros
 * - a cell's anchors come ratio by ratio, not size by size
 * - Detectron's norms, which only scale and add, get statistics that change nothing
 *
 * The colours stay as they are: the first filters may take blue, green and red.
 * @throws DataError for anchors of other than three ratios
 */
export function fromDetectron2(tensors: Tensors): Map<string, Weight> {
  const renamed = new Map([...tensors].flatMap(([name, weight]) => keptName(name).map((kept) => [kept, weight])))
  const changed = new Map([...renamed].map(([name, weight]) => [name, layout(name, weight)]))
  if (tensors.has("conv1_w")) addStatistics(changed)
  return changed
}

/** Buffers that describe the model and are no weights are left out, and momenta. */
function keptName(name: string): string[] {
  const isWeight = !/^pixel_(mean|std)$|\.anchor_generator\.|_momentum$/.test(name)
  return isWeight ? [fromDetectron2Name(name)] : []
}

function layout(name: string, weight: Weight): Weight {
  const [rows = 0] = weight.shape
  const order = Array.from({ length: rows }, (_, row) => row)
  switch (name.replace(/\.(weight|bias)$/, "")) {
    case "roi_heads.box_predictor.cls_score":
      return takeRows(weight, [rows - 1, ...order.slice(0, -1)])
    case "roi_heads.box_predictor.bbox_pred":
      return rows === 4 ? weight : takeRows(weight, [null, null, null, null, ...order])
    case "rpn.head.cls_logits":
      return takeRows(weight, ratioByRatio(rows))
    case "rpn.head.bbox_pred":
      return takeRows(
        weight,
        ratioByRatio(rows / 4).flatMap((anchor) => [0, 1, 2, 3].map((part) => 4 * anchor + part)),
      )
    default:
      return weight
  }
}

/** Where each anchor of a cell stands in a file that has them size by size. */
function ratioByRatio(anchors: number): number[] {
  const ratios = modelDefaults.options.anchors.ratios.length
  const sizes = anchors / ratios
  if (!Number.isInteger(sizes)) throw new DataError(`expected anchors of ${ratios} ratios, got ${anchors} a cell`)
  return Array.from({ length: anchors }, (_, anchor) => (anchor % sizes) * ratios + Math.floor(anchor / sizes))
}

/** Some rows of a tensor in a new order; `null` is a row of zeros. */
function takeRows({ shape, values }: Weight, rows: readonly (number | null)[]): Weight {
  const length = values.length / shape[0]!
  const taken = new Float32Array(rows.length * length)
  for (const [to, from] of rows.entries()) {
    if (from !== null) taken.set(values.subarray(from * length, (from + 1) * length), to * length)
  }
  return { shape: [rows.length, ...shape.slice(1)], values: taken }
}

/** Detectron's norms came as a scale and an offset, with the statistics inside; a bias before them is their mean. */
function addStatistics(weights: Map<string, Weight>): void {
  for (const name of [...weights.keys()]) {
    const conv = name.replace(/\.weight$/, "")
    const norm = name.endsWith(".weight") ? normOf(conv) : undefined
    const scale = norm === undefined ? undefined : weights.get(`${norm}.weight`)
    if (scale === undefined || weights.has(`${norm}.running_var`)) continue
    const bias = weights.get(`${conv}.bias`)?.values ?? new Float32Array(scale.values.length)
    weights.delete(`${conv}.bias`)
    weights.set(`${norm}.running_mean`, { shape: scale.shape, values: bias.map((value) => -value) })
    weights.set(`${norm}.running_var`, { shape: scale.shape, values: bias.map(() => 1 - batchNormEpsilon) })
  }
}
