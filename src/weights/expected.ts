import type { NetworkSpec } from "../backbone/architecture.js"
import { classifier } from "../backbone/resnet.js"
import { parameterSpecs } from "../layers/parameters.js"

/** The parameters of a classifier with batch norm, by torchvision's names, in our axis order; no engine is needed. */
export function expectedShapes(network: NetworkSpec, classes: number): ReadonlyMap<string, readonly number[]> {
  const found = parameterSpecs((ops) => classifier(ops, network, { classes, norm: "batch" }, null))
  return new Map(found.map(({ name, shape }) => [name, shape]))
}
