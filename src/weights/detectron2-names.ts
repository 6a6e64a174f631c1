/** What tells a file of detectron2's, or of Detectron's backbones before it. */
export const isDetectron2Name = (name: string): boolean =>
  /^(backbone\.|)(bottom_up\.|)stem\.conv1\.|^conv1_w$|^backbone\.fpn_|^proposal_generator\./.test(name)

/**
 * Their names as torchvision's, or as this project's where torchvision has no such layer: `stem.conv1.weight` becomes
 * `conv1.weight`, `backbone.res2.0.conv1.norm.bias` `backbone.layer1.0.bn1.bias`; others stay as they are.
 * @source detectron2: the modules of its `GeneralizedRCNN`, and `convert_basic_c2_names` for Detectron's names
 */
export function fromDetectron2Name(name: string): string {
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
