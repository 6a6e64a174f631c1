import { meanPictureName } from "../backbone/mean-picture.js"
import { networkSpec } from "../backbone/networks.js"
import { classifier } from "../backbone/resnet.js"
import type { ClassifierConfig } from "../weights/model-info.js"
import { Graph, type Value, type WeightSource } from "./graph.js"
import { graphOps } from "./graph-ops.js"
import type { OnnxModel } from "./model.js"
import { divide, subtract, transpose } from "./operations.js"

/**
 * A classification network as one graph, see `classifier`: `images` `[N, 3, height, width]` normalised RGB to
 * `logits` `[N, numClasses]`, any number of images of any one size a run, as torchvision's classifiers. One that takes a
 * mean picture off has the picture's size alone.
 * @param weights batch norms folded into the convolutions
 */
export function classifierGraph(
  config: ClassifierConfig,
  numClasses: number,
  weights: WeightSource,
  metadata: Readonly<Record<string, string>> = {},
): OnnxModel {
  const graph = new Graph(weights)
  const { network, options, size, meanPicture } = config
  const sides = meanPicture ? [size, size] : ["height", "width"]
  const given = graph.input({ name: "images", type: "float32", shape: ["images", 3, ...sides] })
  const images = meanPicture ? withoutPicture(graph, given, config) : given
  const described = { classes: numClasses, norm: "frozen" } as const
  const logits = classifier(graphOps(graph), networkSpec(network, options), described, images)
  graph.output(logits, { name: "logits", type: "float32", shape: ["images", numClasses] })
  return graph.model(network, metadata)
}

/** See `MeanPicture`: the channels' means are off already. */
function withoutPicture(graph: Graph, images: Value, { mean, std }: ClassifierConfig): Value {
  const picture = transpose(graph, graph.weight(meanPictureName), 2, 0, 1)
  const [means, stds] = [mean, std].map((values) => graph.reals(values, [3, 1, 1]))
  return subtract(graph, images, divide(graph, subtract(graph, picture, means!), stds!))
}
