import type { NetworkSpec } from "../backbone/architecture.js"
import { Graph, type WeightSource } from "./graph.js"
import { linear } from "./layers.js"
import type { OnnxModel } from "./model.js"
import { stages } from "./resnet.js"

/**
 * A classification network as one graph, see `ResNet.forward`: `images` `[N, 3, height, width]` normalised RGB to
 * `logits` `[N, classes]`, any number of images of any one size a run, as torchvision's classifiers.
 * @param weights batch norms folded into the convolutions
 */
export function classifierGraph(
  network: NetworkSpec,
  classes: number,
  weights: WeightSource,
  metadata: Readonly<Record<string, string>> = {},
): OnnxModel {
  const graph = new Graph(weights)
  const images = graph.input({ name: "images", type: "float32", shape: ["images", 3, "height", "width"] })
  const maps = stages(graph, images, "", network, "frozen").at(-1)!
  const vectors = graph.node("Flatten", [graph.node("GlobalAveragePool", [maps])])
  graph.output(linear(graph, vectors, "fc"), { name: "logits", type: "float32", shape: ["images", classes] })
  return graph.model(network.name, metadata)
}
