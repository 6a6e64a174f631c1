import { lecunUniform } from "../core/initializers.js"
import type { LayerSpec, NormKind, Ops } from "../layers/ops.js"
import { type NetworkSpec, stageChannels } from "./architecture.js"
import type { BackboneSpec } from "./backbone.js"
import { type ResNetBackboneOptions, resNetParts, runParts } from "./resnet.js"

/** Channels of every level. @source FPN (Lin et al. 2017), section 3 */
const pyramidChannels = 256

export interface FpnSpec {
  /** Channels of each stage's maps, finest first. */
  readonly channels: readonly number[]
  /** Behind every convolution; none in the paper and in torchvision's first pyramids. */
  readonly norm: NormKind | "none"
}

/**
 * A feature pyramid: on each level a 1x1 convolution of that stage's maps, plus the next coarser level at twice its size,
 * then a 3x3 convolution. One level more, every second cell of the coarsest, serves the RPN.
 * Parameters: `inner_blocks.N.0.*` and `layer_blocks.N.0.*`, their norms' `inner_blocks.N.1.*` and so on.
 * @param maps of each stage, finest first, each half the size of the one before, rounded up
 * @returns P2, P3, ... as many as there are maps, and one more of half the coarsest's size
 * @source FPN (Lin et al. 2017), section 3; torchvision `FeaturePyramidNetwork` with `LastLevelMaxPool`
 */
export function fpn<T>(ops: Ops<T>, { channels, norm }: FpnSpec, maps: readonly T[]): T[] {
  const layer = (name: string, level: number, kernel: number, from: number, x: T) => {
    const spec: LayerSpec = { conv: "0", norm: "1", kernel, stride: 1, in: from, out: pyramidChannels }
    return ops.in(name).in(level).conv(x, spec, { norm, initialize: lecunUniform })
  }
  const merged = maps.map((x, level) => layer("inner_blocks", level, 1, channels[level]!, x))
  for (let level = merged.length - 2; level >= 0; level--) {
    merged[level] = ops.add(merged[level]!, ops.upsample(merged[level + 1]!, merged[level]!))
  }
  const levels = merged.map((x, level) => layer("layer_blocks", level, 3, pyramidChannels, x))
  return [...levels, ops.subsample(levels.at(-1)!, 2)]
}

/** A whole ResNet (`body.*`) with a feature pyramid on conv2 to conv5 (`fpn.*`): P2 to P6, strides 4 to 64. */
export function fpnBackbone(
  network: NetworkSpec,
  { freezeAt, pyramidNorm, ...norms }: Omit<ResNetBackboneOptions, "stages"> & Record<"pyramidNorm", FpnSpec["norm"]>,
): BackboneSpec {
  const parts = resNetParts(network, norms)
  const spec = { channels: network.stages.map(stageChannels), norm: pyramidNorm }
  // The maps of all stages are needed, so that no more than the stem and layer1 can be left to `frozen`.
  const stem = Math.min(freezeAt, 2)
  return {
    channels: pyramidChannels,
    strides: [4, 8, 16, 32, 64],
    frozen: (ops, images) => runParts(ops.in("body"), parts, images, { to: stem }).at(-1) ?? images,
    features: (ops, x) => {
      const maps = [x, ...runParts(ops.in("body"), parts, x, { from: stem, freezeAt })]
      return fpn(ops.in("fpn"), spec, maps.slice(2 - stem))
    },
  }
}
