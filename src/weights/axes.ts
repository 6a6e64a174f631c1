import { valueCount } from "./stored.js"

/** One value of a weights file or model. */
export type Weight = { readonly shape: readonly number[]; readonly values: Float32Array }

/** PyTorch's axes to ours: filters OIHW to HWIO, matrices `[out, in]` to `[in, out]`, the rest unchanged. */
export function fromTorchAxes(weight: Weight): Weight {
  return permute(weight, weight.shape.length === 4 ? [2, 3, 1, 0] : weight.shape.length === 2 ? [1, 0] : null)
}

/** Our axes to PyTorch's: filters HWIO to OIHW, matrices `[in, out]` to `[out, in]`, the rest unchanged. */
export function toTorchAxes(weight: Weight): Weight {
  return permute(weight, weight.shape.length === 4 ? [3, 2, 0, 1] : weight.shape.length === 2 ? [1, 0] : null)
}

function permute({ shape, values }: Weight, axes: readonly number[] | null): Weight {
  if (axes === null) return { shape, values }
  const strides = shape.map((_, axis) => valueCount(shape.slice(axis + 1)))
  const target = axes.map((axis) => shape[axis]!)
  const steps = axes.map((axis) => strides[axis]!)
  const [a, b, c, d] = [...Array(4 - target.length).fill(1), ...target] as [number, number, number, number]
  const [sa, sb, sc, sd] = [...Array(4 - steps.length).fill(0), ...steps] as [number, number, number, number]
  const moved = new Float32Array(values.length)
  let at = 0
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let k = 0; k < c; k++) for (let l = 0; l < d; l++) moved[at++] = values[i * sa + j * sb + k * sc + l * sd]!
  return { shape: target, values: moved }
}

/** Filters `[out, 3, kh, kw]` with their colours the other way round. */
export function turnedColors({ shape, values }: Weight): Weight {
  const area = shape[2]! * shape[3]!
  const turned = new Float32Array(values.length)
  for (let plane = 0; plane < values.length / area; plane++) {
    const from = plane + 2 - 2 * (plane % 3)
    turned.set(values.subarray(from * area, (from + 1) * area), plane * area)
  }
  return { shape, values: turned }
}
