import { DataError } from "../core/errors.js"
import { modelDefaults } from "../detector/model.js"
import { batchNormEpsilon } from "../engine/ops/batch-norm.js"
import { normOf } from "./norms.js"
import { type StoredTensor, valueCount } from "./stored.js"

type Tensors = ReadonlyMap<string, StoredTensor>

export const isDetectron2 = (tensors: Tensors): boolean => [...tensors.keys()].some(isDetectron2Name)

/** Whether a file is a backbone of Detectron's, such as MSRA's: Caffe2's names. */
export const isDetectron = (tensors: Tensors): boolean => tensors.has("conv1_w")

/**
 * A file of detectron2's, or a backbone of Detectron's, as torchvision would have written it (axes stay PyTorch's):
 * - the background is the first class, not the last, and has a box of zeros
 * - a cell's anchors come ratio by ratio, not size by size
 * - Detectron's norms, which only scale and add, get statistics that change nothing
 *
 * The colours stay as they are: the first filters may take blue, green and red.
 * @throws DataError for anchors of other than three ratios
 */
export function fromDetectron2(tensors: Tensors): Map<string, StoredTensor> {
  const renamed = new Map([...tensors].flatMap(([name, weight]) => keptName(name).map((kept) => [kept, weight])))
  const arranged = new Map([...renamed].map(([name, weight]) => [name, layout(name, weight)]))
  if (isDetectron(tensors)) addStatistics(arranged)
  return arranged
}

/** Buffers that describe the model and are no weights are left out, and momenta. */
function keptName(name: string): string[] {
  const isWeight = !/^pixel_(mean|std)$|\.anchor_generator\.|_momentum$/.test(name)
  return isWeight ? [fromDetectron2Name(name)] : []
}

function layout(name: string, weight: StoredTensor): StoredTensor {
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
function takeRows(tensor: StoredTensor, rows: readonly (number | null)[]): StoredTensor {
  const shape = [rows.length, ...tensor.shape.slice(1)]
  return changed(tensor, shape, (values) => {
    const length = valueCount(shape.slice(1))
    const taken = new Float32Array(rows.length * length)
    for (const [to, from] of rows.entries()) {
      if (from !== null) taken.set(values.subarray(from * length, (from + 1) * length), to * length)
    }
    return taken
  })
}

/** A tensor whose values are made of another's when they are read. */
const changed = (
  tensor: StoredTensor,
  shape: readonly number[],
  change: (values: Float32Array) => Float32Array,
): StoredTensor => ({ dtype: tensor.dtype, shape, read: () => change(tensor.read()) })

/** Detectron's norms came as a scale and an offset, with the statistics inside; a bias before them is their mean. */
function addStatistics(tensors: Map<string, StoredTensor>): void {
  for (const name of [...tensors.keys()]) {
    const conv = name.replace(/\.weight$/, "")
    const norm = name.endsWith(".weight") ? normOf(conv) : undefined
    const scale = norm === undefined ? undefined : tensors.get(`${norm}.weight`)
    if (scale === undefined || tensors.has(`${norm}.running_var`)) continue
    const bias = tensors.get(`${conv}.bias`)
    tensors.delete(`${conv}.bias`)
    const mean = (values: Float32Array) => values.map((value) => (bias ? -value : 0))
    tensors.set(`${norm}.running_mean`, changed(bias ?? scale, scale.shape, mean))
    const variance = (values: Float32Array) => values.map(() => 1 - batchNormEpsilon)
    tensors.set(`${norm}.running_var`, changed(scale, scale.shape, variance))
  }
}

/** What tells a file of detectron2's, or of Detectron's backbones before it. */
const isDetectron2Name = (name: string): boolean =>
  /^(backbone\.|)(bottom_up\.|)stem\.conv1\.|^conv1_w$|^backbone\.fpn_|^proposal_generator\./.test(name)

/**
 * Their names as torchvision's, or as this project's where torchvision has no such layer: `stem.conv1.weight` becomes
 * `conv1.weight`, `backbone.res2.0.conv1.norm.bias` `backbone.layer1.0.bn1.bias`; others stay as they are.
 * @source detectron2: the modules of its `GeneralizedRCNN`, and `convert_basic_c2_names` for Detectron's names
 */
function fromDetectron2Name(name: string): string {
  const [, place = "", rest = ""] = /^(backbone\.bottom_up\.|backbone\.|roi_heads\.(?=res5)|)(.*)$/.exec(name)!
  const layer = ofResNet(ofDetectron(rest))
  if (layer !== undefined) return `${places[place] ?? place}${layer}`
  return parts.reduce((changed, [pattern, change]) => changed.replace(pattern, change), name)
}

const places: Readonly<Record<string, string>> = {
  "backbone.bottom_up.": "backbone.body.",
  "roi_heads.": "roi_heads.box_head.",
}

const parts: readonly (readonly [RegExp, (match: string, ...groups: string[]) => string])[] = [
  [
    /^backbone\.fpn_(lateral|output)(\d)\.(norm\.)?/,
    (_, kind, level, norm) =>
      `backbone.fpn.${kind === "lateral" ? "inner" : "layer"}_blocks.${Number(level) - 2}.${norm ? 1 : 0}.`,
  ],
  [/^proposal_generator\.rpn_head\.conv\.(?:conv(\d)\.)?/, (_, index) => `rpn.head.conv.${index ?? 0}.0.`],
  [/^proposal_generator\.rpn_head\.objectness_logits\./, () => "rpn.head.cls_logits."],
  [/^proposal_generator\.rpn_head\.anchor_deltas\./, () => "rpn.head.bbox_pred."],
  [/^roi_heads\.box_head\.fc([12])\./, (_, index) => `roi_heads.box_head.fc${5 + Number(index)}.`],
]

/** `res2.0.shortcut.norm.bias` as torchvision has it: `layer1.0.downsample.1.bias`. */
function ofResNet(name: string): string | undefined {
  const match = /^(?:stem|res([2-5])\.(\d+))\.(?:conv(\d)|(shortcut)|(fc))(\.norm)?\.(.+)$/.exec(name)
  if (!match) return undefined
  const [, stage, block, conv, shortcut, fc, norm, part] = match
  const place = stage === undefined ? "" : `layer${Number(stage) - 1}.${block}.`
  const layer = shortcut ? `downsample.${norm ? 1 : 0}` : (fc ?? `${norm ? "bn" : "conv"}${conv}`)
  return `${place}${layer}.${part}`
}

const convs: Readonly<Record<string, string>> = { "1": "shortcut", "2a": "conv1", "2b": "conv2", "2c": "conv3" }
const values: Readonly<Record<string, string>> = {
  w: "weight",
  b: "bias",
  bn_s: "norm.weight",
  bn_b: "norm.bias",
  bn_rm: "norm.running_mean",
  bn_riv: "norm.running_var",
}

/** Detectron's `res2_0_branch2a_bn_s` as detectron2 has it: `res2.0.conv1.norm.weight`. */
function ofDetectron(name: string): string {
  const block = /^res(\d)_(\d+)_branch(1|2[abc])_(w|bn_s|bn_b|bn_rm|bn_riv)$/.exec(name)
  if (block) return `res${block[1]}.${block[2]}.${convs[block[3]!]}.${values[block[4]!]}`
  const stem = /^(?:conv1_(w|b)|res_conv1_(bn_s|bn_b|bn_rm|bn_riv))$/.exec(name)
  if (stem) return `stem.conv1.${values[(stem[1] ?? stem[2])!]}`
  const last = /^(?:fc1000|pred)_([wb])$/.exec(name)
  return last ? `stem.fc.${values[last[1]!]}` : name
}
