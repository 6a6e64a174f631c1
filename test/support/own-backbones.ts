import * as tf from "@tensorflow/tfjs-core"
import type { Backbone, BackboneSpec } from "../../src/backbone/backbone.js"
import { heNormal } from "../../src/core/initializers.js"
import type { Scope } from "../../src/core/parameters.js"
import type { NormKind, Ops } from "../../src/layers/ops.js"

const widths = [8, 16, 16, 32]

/** A backbone from code, described: convolutions of stride 2 in a row, the first of which does not train. */
export function plainBackbone(norm: Exclude<NormKind, "group"> = "batch"): BackboneSpec {
  const layer = <T>(ops: Ops<T>, index: number, x: T) => {
    const spec = { conv: "conv", norm: "norm", kernel: 3, stride: 2, in: widths[index - 1] ?? 3, out: widths[index]! }
    return ops.in(index).conv(x, spec, { norm, relu: true })
  }
  return {
    channels: 32,
    strides: [16],
    frozen: (ops, images) => layer(ops, 0, images),
    features: (ops, stem) => [[1, 2, 3].reduce((x, index) => layer(ops, index, x), stem)],
  }
}

/** A backbone from code with maps of two strides, 8 and 16. */
export const twoLevelBackbone: BackboneSpec = {
  channels: 16,
  strides: [8, 16],
  features(ops, images) {
    const conv = (name: string, kernel: number, stride: number, from: number) =>
      ({ conv: name, norm: `${name}_norm`, kernel, stride, in: from, out: 16 }) as const
    const stem = ops.maxPool(ops.conv(images, conv("stem", 3, 2, 3), { norm: "none", relu: true }))
    const fine = ops.conv(stem, conv("fine", 3, 2, 16), { norm: "none", relu: true })
    const coarse = ops.conv(fine, conv("coarse", 3, 2, 16), { norm: "none", relu: true })
    const merged = ops.add(fine, ops.upsample(ops.conv(coarse, conv("top", 1, 1, 16), { norm: "none" }), fine))
    return [ops.relu(merged), coarse]
  },
}

/** A backbone from code of plain tensor operations: one large stride, no ReLU. */
export function tensorBackbone(scope: Scope): Backbone {
  const filter = scope.create("patches.weight", "conv", [16, 16, 3, 24], heNormal) as tf.Tensor as tf.Tensor4D
  return {
    channels: 24,
    strides: [16],
    features: (images) => [tf.conv2d(images, filter, 16, "same")],
  }
}
