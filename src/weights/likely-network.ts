import type { Checkpoint } from "./checkpoint.js"
import { plainName } from "./names.js"
import { networkOfShapes } from "./network-shapes.js"
import { kindOf } from "./plan.js"

/** What a file most likely holds, by its names and shapes: `a resnet101`, `a SE-ResNet`, `another network` in the last resort. */
export function likelyNetwork(checkpoint: Checkpoint): string {
  const { tensors } = checkpoint
  const shapes = new Map([...tensors].map(([name, { shape }]) => [plainName(name), shape]))
  const names = [...shapes.keys()]
  const part = parts.find(([pattern]) => names.some((name) => pattern.test(name)))
  if (part !== undefined) return part[1]
  const variant = variantOf(shapes)
  if (variant !== undefined) return variant
  const network = networkOfShapes(shapes)
  const kind = kindOf(checkpoint)
  if (network !== undefined) return kind === undefined ? `a ${network}` : `a fasterrcnn_${network}_${kind}`
  const counts = [1, 2, 3, 4].map((stage) => blocksIn(names, stage)).filter((count) => count > 0)
  if (counts.length > 0) return `a ResNet of ${counts.join(", ")} blocks, which is not known`
  return "another network"
}

/** Names that only one kind of network has. */
const parts: readonly (readonly [RegExp, string])[] = [
  [/roi_heads\.mask_/, "a Mask R-CNN"],
  [/roi_heads\.keypoint_/, "a Keypoint R-CNN"],
  [/^head\.classification_head\.bbox_ctrness|head\.regression_head\.bbox_ctrness/, "an FCOS detector"],
  [/^head\.classification_head\./, "a RetinaNet or SSD detector"],
  [/^(transformer|model)\.(encoder|decoder)\.layers\.\d+\./, "a DETR detector"],
  [/^model\.\d+\.(conv|cv1|m)\./, "a YOLO detector"],
  [/^bbox_head\.|^roi_head\.bbox_head\.|^neck\./, "an mmdetection detector"],
  [/^backbone\.body\.\d+\.(0|block)\.|^(backbone\.)?features\.\d+\.(block|conv)\./, "a network on MobileNet"],
  [/(^|\.)layer1\.0\.(se|se_module)\.(fc|conv_reduce)/, "a SE-ResNet"],
  [/(^|\.)layer1\.0\.se\.conv\./, "an ECA-ResNet"],
  [/(^|\.)layer1\.0\.(se|attn|context)\.(mlp|conv_attn|channel_add)/, "a GC-ResNet"],
  [/(^|\.)layer1\.0\.\w+\.(paths|attn)\./, "a SK-ResNet"],
  [/(^|\.)layer1\.0\.(se|attn)\./, "a ResNet with attention in its blocks"],
  [/(^|\.)conv1\.([036]|conv|conv1)\.weight$/, "a ResNet-D, whose stem has three convolutions"],
  [/(^|\.)stages\.0\.blocks\.0\.conv_dw\.|(^|\.)downsample_layers\./, "a ConvNeXt"],
  [/(^|\.)stages\.0\.blocks\.0\.conv1\./, "a ResNet v2 or another network of stages and blocks"],
  [/denseblock1\./, "a DenseNet"],
  [/(^|\.)Conv2d_1a_3x3\./, "an Inception network"],
  [/(^|\.)(blocks|layers)\.\d+\.attn\.|encoder\.layers?\.\S*attention/, "a transformer"],
  [/^features\.\d+\.weight$/, "a VGG or AlexNet"],
  [/(^|\.)conv_stem\.|(^|\.)blocks\.0\.0\.conv_dw\./, "a MobileNet or EfficientNet"],
]

/** ResNets whose blocks have torchvision's names and other shapes or norms. */
function variantOf(shapes: ReadonlyMap<string, readonly number[]>): string | undefined {
  const [first, middle] = ["conv1", "conv2"].map((conv) => shapes.get(`layer1.0.${conv}.weight`))
  if (shapes.has("bn1.weight") && !shapes.has("bn1.running_mean") && !shapes.has("conv1.bias")) {
    return "a ResNet with group norms"
  }
  if (first === undefined || middle === undefined || first[2] !== 1) return undefined
  const groups = middle[0]! / middle[1]!
  if (groups > 1) return `a ResNeXt of ${groups} groups of ${middle[1]} channels`
  return first[0]! > 64 ? `a Wide ResNet, of ${first[0]! / 64} times as many channels` : undefined
}

function blocksIn(names: readonly string[], stage: number): number {
  const found = names.map((name) => new RegExp(`^layer${stage}\\.(\\d+)\\.`).exec(name)?.[1])
  return new Set(found.filter((block) => block !== undefined)).size
}

/** Names in a place of the network itself: a model that leaves them out computes something else. */
export const belongsToNetwork = (name: string): boolean =>
  /^(layer\d+|backbone|rpn|roi_heads)\./.test(plainName(name)) && !name.endsWith(".num_batches_tracked")
