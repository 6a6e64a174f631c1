import * as tf from "@tensorflow/tfjs-core"
import type { NetworkSpec } from "../../src/backbone/architecture.js"
import { isProjection, stageChannels } from "../../src/backbone/architecture.js"
import type { Weights } from "../../src/core/parameters.js"
import type { LayerSpec } from "../../src/layers/ops.js"
import { fromTorchAxes, type Weight } from "../../src/weights/axes.js"

/** `count` numbers in [-0.5, 0.5), from the name and the position alone; scripts/made_up.py makes the same. */
export function madeUp(name: string, count: number, finish: (value: number) => number): Float32Array {
  let seed = 2166136261
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 16777619)
  const values = new Float32Array(count)
  for (let at = 0; at < count; at++) {
    let x = Math.imul(at, 2654435761) + seed
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
    values[at] = finish(((x ^ (x >>> 16)) >>> 0) / 2 ** 32 - 0.5)
  }
  return values
}

/** What `images` of scripts/made_up.py makes, uniform in [-2, 2), as `[N, H, W, C]`. */
export function madeUpMaps(name: string, [n, height, width, channels]: readonly number[]): tf.Tensor4D {
  const shape: [number, number, number, number] = [n!, channels!, height!, width!]
  const values = madeUp(name, n! * height! * width! * channels!, (value) => 4 * value)
  return tf.transpose(tf.tensor4d(values, shape), [0, 2, 3, 1])
}

/**
 * A made-up value for one tensor of torchvision's, in our axes; `scale` multiplies a filter's or a matrix's usual spread,
 * `shift` is added.
 * @param shape PyTorch's
 */
export function madeUpWeight(name: string, shape: readonly number[], scale = 1, shift = 0): Weight {
  const count = shape.reduce((product, length) => product * length, 1)
  const finished = finish(name, shape, scale)
  return fromTorchAxes({ shape, values: madeUp(name, count, (value) => finished(value) + shift) })
}

function finish(name: string, shape: readonly number[], scale: number): (value: number) => number {
  const isNorm = name.endsWith("running_var") || (shape.length === 1 && name.endsWith("weight"))
  if (isNorm) return (value) => 1 + 0.5 * value
  if (shape.length === 4) {
    const spread = scale * Math.sqrt(24 / (shape[0]! * shape[2]! * shape[3]!))
    return (value) => spread * value
  }
  return shape.length === 2 ? (value) => scale * 0.1 * value : (value) => value
}

/** Made-up batch norm weights for a network of 1000 classes, in our axes. */
export function madeUpWeights(spec: NetworkSpec): Weights {
  const weights = new Map<string, Weight>()
  const add = (name: string, shape: number[]) => weights.set(name, madeUpWeight(name, shape))
  const addLayer = (prefix: string, { conv, norm, kernel, in: channels, out }: LayerSpec) => {
    add(`${prefix}${conv}.weight`, [out, channels, kernel, kernel])
    for (const part of ["weight", "bias", "running_mean", "running_var"]) add(`${prefix}${norm}.${part}`, [out])
  }
  addLayer("", spec.stem)
  for (const [stage, blocks] of spec.stages.entries()) {
    for (const [block, { layers, shortcut }] of blocks.entries()) {
      const all = isProjection(shortcut) ? [...layers, shortcut] : layers
      for (const layer of all) addLayer(`layer${stage + 1}.${block}.`, layer)
    }
  }
  add("fc.weight", [1000, stageChannels(spec.stages.at(-1)!)])
  add("fc.bias", [1000])
  return weights
}
