import { normal } from "../core/initializers.js"
import type { NormKind, Ops } from "../layers/ops.js"
import { type BlockSpec, isProjection, type NetworkSpec, type StageSpec, stageChannels } from "./architecture.js"
import type { BackboneSpec } from "./backbone.js"

/** Part of a network: maps to maps. */
export type Part = <T>(ops: Ops<T>, x: T) => T

export interface ResNetNorms {
  readonly norm: NormKind
  /** That of conv5 where it is another, as where a file had no conv5 to start from. */
  readonly conv5Norm?: NormKind
}

/** The first convolution (`conv1`) and, for ImageNet networks, the max pool behind it. */
function stem<T>(ops: Ops<T>, { stem, pool }: Pick<NetworkSpec, "stem" | "pool">, norm: NormKind, images: T): T {
  const maps = ops.conv(images, stem, { norm, relu: true })
  return pool ? ops.maxPool(maps) : maps
}

/** The blocks of one map size, such as torchvision's `layer4` (the paper's conv5_x), which stand in `ops`. */
export function stage<T>(ops: Ops<T>, blocks: StageSpec, norm: NormKind, x: T): T {
  return blocks.reduce((maps, spec, index) => block(ops.in(index), spec, norm, maps), x)
}

/** A block, basic or bottleneck: convolutions in a row, the shortcut added (not in a plain net), ReLU. */
function block<T>(ops: Ops<T>, { layers, shortcut }: BlockSpec, norm: NormKind, x: T): T {
  const isPlain = shortcut === "none"
  const maps = layers.reduce(
    (maps, layer, index) => ops.conv(maps, layer, { norm, relu: isPlain || index < layers.length - 1 }),
    x,
  )
  return isPlain ? maps : ops.add(maps, beside(ops, shortcut, norm, x), { relu: true })
}

/** What a block adds to its last convolution's output. */
function beside<T>(ops: Ops<T>, shortcut: Exclude<BlockSpec["shortcut"], "none">, norm: NormKind, x: T): T {
  if (shortcut === "identity") return x
  if (isProjection(shortcut)) return ops.conv(x, shortcut, { norm })
  const { zeros, stride, in: channels, out } = shortcut
  const before = zeros === "both" ? Math.floor((out - channels) / 2) : 0
  return ops.padChannels(ops.subsample(x, stride), before, out - channels - before)
}

/** The stem and every stage of a network; stage 1 has `layer1.*`. */
export function resNetParts(network: NetworkSpec, { norm, conv5Norm = norm }: ResNetNorms): Part[] {
  return [
    (ops, images) => stem(ops, network, norm, images),
    ...network.stages.map(
      (blocks, index): Part =>
        (ops, x) =>
          stage(ops.in(`layer${index + 1}`), blocks, index < 3 ? norm : conv5Norm, x),
    ),
  ]
}

/** What parts `from` to `to` give, one after the other; the first `freezeAt` of all parts do not train. */
export function runParts<T>(
  ops: Ops<T>,
  parts: readonly Part[],
  x: T,
  { from = 0, to = parts.length, freezeAt = 0 }: { from?: number; to?: number; freezeAt?: number } = {},
): T[] {
  const maps: T[] = []
  for (const [index, part] of parts.entries()) {
    if (index >= from && index < to) maps.push(part(index < freezeAt ? ops.frozen() : ops, maps.at(-1) ?? x))
  }
  return maps
}

export interface ResNetBackboneOptions extends ResNetNorms {
  /** How many stages stand behind the stem: 3 ends with the paper's conv4 (stride 16), 4 with conv5 (stride 32). */
  readonly stages: number
  /** How many parts do not train, from the image on: 0 none, 1 the stem, 2 the stem and layer1, ... */
  readonly freezeAt: number
}

/** @source detectron2: FREEZE_AT 2 with frozen batch norm, features of the C4 models up to res4 */
const resNetBackboneDefaults: ResNetBackboneOptions = { norm: "frozen", stages: 3, freezeAt: 2 }

/** Stem and first stages of a ResNet, whose last maps are the features: `conv1.*`, `layer1.*`, ... */
export function resNetBackbone(network: NetworkSpec, options: Partial<ResNetBackboneOptions> = {}): BackboneSpec {
  const { stages, freezeAt, ...norms } = { ...resNetBackboneDefaults, ...options }
  const kept = { ...network, stages: network.stages.slice(0, stages) }
  const parts = resNetParts(kept, norms)
  return {
    channels: stageChannels(kept.stages.at(-1)!),
    strides: [totalStride(kept)],
    frozen: (ops, images) => runParts(ops, parts, images, { to: freezeAt }).at(-1) ?? images,
    features: (ops, stem) => [runParts(ops, parts, stem, { from: freezeAt }).at(-1) ?? stem],
  }
}

export interface ClassifierSizes {
  readonly classes: number
  readonly norm: NormKind
  /** How many parts do not train, as a backbone's; none where left out. */
  readonly freezeAt?: number
}

/** The last layer of a classifier, `fc`: vectors to logits. */
export function classify<T>(ops: Ops<T>, network: NetworkSpec, classes: number, vectors: T): T {
  // The paper gives no initialisation for this layer; this is that of its sibling layers in detection.
  const fc = { name: "fc", in: stageChannels(network.stages.at(-1)!), out: classes, initialize: normal(0.01) }
  return ops.linear(vectors, fc)
}

/** A whole classification network, images to logits: all stages, the mean of all cells, and `fc`. */
export function classifier<T>(
  ops: Ops<T>,
  network: NetworkSpec,
  { classes, norm, freezeAt = 0 }: ClassifierSizes,
  images: T,
): T {
  const maps = runParts(ops, resNetParts(network, { norm }), images, { freezeAt }).at(-1)!
  return classify(ops, network, classes, ops.averagePool(maps))
}

/** Input pixels per cell of a network's last maps. */
export function totalStride({ stem, pool, stages }: Pick<NetworkSpec, "stem" | "pool" | "stages">): number {
  const blocks = stages.flat().map(({ layers }) => layers.reduce((product, { stride }) => product * stride, 1))
  return blocks.reduce((product, stride) => product * stride, stem.stride * (pool ? 2 : 1))
}
