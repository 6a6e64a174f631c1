import type { NetworkSpec } from "../backbone/architecture.js"
import { pyramidChannels } from "../backbone/fpn.js"
import type { DetectorKind, ModelConfig } from "../detector/model.js"
import { headConvolutions } from "../detector/region-features.js"
import type { Graph, Value } from "./graph.js"
import { convolutionUnit, type FixedNorm, fixedNorm, linear, relu } from "./layers.js"
import { pyramid } from "./pyramid.js"
import { stage, stages } from "./resnet.js"

/** The parts in which one kind of detector differs from another. */
interface KindGraph {
  /** `[1, 3, H, W]` to the maps of each level `[1, C, h, w]`, finest first: see `buildSharedFeatures`. */
  levels(graph: Graph, pixels: Value, network: NetworkSpec, config: ModelConfig): Value[]
  /** `[R, C, size, size]` to `[R, channels]`, R at least 1: see `buildRegionFeatures`. */
  vectors(graph: Graph, pooled: Value, network: NetworkSpec, config: ModelConfig): Value
}

const head = "roi_heads.box_head."

const c4: KindGraph = {
  levels: (graph, pixels, network, config) => {
    const shared = { ...network, stages: network.stages.slice(0, 3) }
    return stages(graph, pixels, "backbone.", shared, backboneNorms(config)).slice(-1)
  },
  vectors: (graph, pooled, network, { conv5Norm }) => {
    const maps = stage(graph, pooled, `${head}layer4.`, network.stages[3]!, fixedNorm(conv5Norm))
    return graph.node("Flatten", [graph.node("GlobalAveragePool", [maps])])
  },
}

const dc5: KindGraph = {
  levels: (graph, pixels, network, config) =>
    stages(graph, pixels, "backbone.", network, backboneNorms(config)).slice(-1),
  vectors: (graph, pooled) => linearLayers(graph, pooled, ["fc6", "fc7"]),
}

const fpn: KindGraph = {
  levels: (graph, pixels, network, config) => pyramidLevels(graph, pixels, network, config, "none"),
  vectors: dc5.vectors,
}

const fpnV2: KindGraph = {
  levels: (graph, pixels, network, config) => pyramidLevels(graph, pixels, network, config, fixedNorm(config.headNorm)),
  vectors: (graph, pooled, _, { headNorm }) => {
    const maps = Array.from({ length: headConvolutions }).reduce<Value>((x, _, index) => {
      const spec = { conv: "0", norm: "1", kernel: 3, stride: 1, out: pyramidChannels }
      return relu(graph, convolutionUnit(graph, x, `${head}${index}.`, spec, fixedNorm(headNorm)))
    }, pooled)
    return linearLayers(graph, maps, [String(headConvolutions + 1)])
  },
}

/** The graph of each kind of detector. */
export const detectorKinds: Readonly<Record<DetectorKind, KindGraph>> = { c4, dc5, fpn, fpn_v2: fpnV2 }

const backboneNorms = ({ norm, conv5Norm }: ModelConfig) => ({
  norm: fixedNorm(norm),
  conv5Norm: fixedNorm(conv5Norm),
})

function pyramidLevels(
  graph: Graph,
  pixels: Value,
  network: NetworkSpec,
  config: ModelConfig,
  norm: FixedNorm | "none",
): Value[] {
  const maps = stages(graph, pixels, "backbone.body.", network, backboneNorms(config))
  return pyramid(graph, maps, "backbone.fpn.", norm)
}

/** Linear layers of the head, a ReLU behind each, on flattened regions. */
function linearLayers(graph: Graph, pooled: Value, layers: readonly string[]): Value {
  return layers.reduce((x, layer) => relu(graph, linear(graph, x, head + layer)), graph.node("Flatten", [pooled]))
}
