import type { Size } from "../core/shapes.js"
import { counted, countLayers, type Summary, total } from "../layers/count.js"
import type { NetworkSpec } from "./architecture.js"
import { classifier } from "./resnet.js"

/**
 * Counts a classifier's parameters and multiply-adds from its description, without an engine.
 * @param inputSize of the image in pixels; the network's usual one when left out
 */
export function summarize(
  network: NetworkSpec,
  options: { readonly inputSize?: Size; readonly classes?: number } = {},
): Summary {
  const { inputSize = network.inputSize, classes = network.classes } = options
  return total(countLayers((ops) => classifier(ops, network, { classes, norm: "batch" }, counted(inputSize))).rows)
}
