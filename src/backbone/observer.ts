import type * as tf from "@tensorflow/tfjs-core"
import { relu } from "../engine/ops/relu.js"
import type { ConvolutionUnit } from "./norm.js"

/** What a convolution of the main path gives behind its norm, before ReLU or addition. */
export interface LayerOutput {
  /** Such as `layer1.0.conv1`. */
  readonly name: string
  /** Side of its window. */
  readonly kernel: number
  /** `[N, H, W, C]`; disposed by whoever runs the network. */
  readonly maps: tf.Tensor4D
}

/** Is shown the layers' outputs one after the other, from the image on. */
export type Observer = (output: LayerOutput) => void

/** A unit with its ReLU apart, so that the maps before it can be shown; as it is where nobody looks. */
export function observed(unit: ConvolutionUnit, layer: Omit<LayerOutput, "maps">, observe?: Observer): ConvolutionUnit {
  if (observe === undefined) return unit
  const shown = (maps: tf.Tensor4D, withRelu: boolean): tf.Tensor4D => {
    observe({ ...layer, maps })
    return withRelu ? relu(maps) : maps
  }
  return {
    forward: (x, withRelu) => shown(unit.forward(x, false), withRelu),
    train: (x, withRelu) => shown(unit.train(x, false), withRelu),
  }
}
