import { valueCount } from "./stored.js"

/** One value of a weights file or model. */
export type Weight = { readonly shape: readonly number[]; readonly values: Float32Array }

/** A weight whose values are made when they are first asked for, and kept. */
export function lazyWeight(shape: readonly number[], make: () => Float32Array): Weight {
  let made: Float32Array | undefined
  return {
    shape,
    get values() {
      made ??= make()
      return made
    },
  }
}

/** Makes all values now: what is still on the disk is read, so that the file may be closed. */
export function readNow<Values extends ReadonlyMap<string, Weight>>(weights: Values): Values {
  for (const weight of weights.values()) void weight.values
  return weights
}

/** PyTorch's axes to ours: filters OIHW to HWIO, matrices `[out, in]` to `[in, out]`, the rest unchanged. */
export function fromTorchAxes(weight: Weight): Weight {
  return permute(weight, weight.shape.length === 4 ? [2, 3, 1, 0] : weight.shape.length === 2 ? [1, 0] : null)
}

/** Our axes to PyTorch's: filters HWIO to OIHW, matrices `[in, out]` to `[out, in]`, the rest unchanged. */
export function toTorchAxes(weight: Weight): Weight {
  return permute(weight, weight.shape.length === 4 ? [3, 2, 0, 1] : weight.shape.length === 2 ? [1, 0] : null)
}

function permute(weight: Weight, axes: readonly number[] | null): Weight {
  if (axes === null) return weight
  const { shape } = weight
  const strides = shape.map((_, axis) => valueCount(shape.slice(axis + 1)))
  const target = axes.map((axis) => shape[axis]!)
  const steps = axes.map((axis) => strides[axis]!)
  const [a, b, c, d] = [...Array(4 - target.length).fill(1), ...target] as [number, number, number, number]
  const [sa, sb, sc, sd] = [...Array(4 - steps.length).fill(0), ...steps] as [number, number, number, number]
  return lazyWeight(target, () => {
    const { values } = weight
    const moved = new Float32Array(values.length)
    let at = 0
    for (let i = 0; i < a; i++)
      for (let j = 0; j < b; j++)
        for (let k = 0; k < c; k++) for (let l = 0; l < d; l++) moved[at++] = values[i * sa + j * sb + k * sc + l * sd]!
    return moved
  })
}

/** Filters `[out, 3, kh, kw]` with their colours the other way round. */
export function turnedColors(weight: Weight): Weight {
  const { shape } = weight
  return lazyWeight(shape, () => {
    const { values } = weight
    const area = shape[2]! * shape[3]!
    const turned = new Float32Array(values.length)
    for (let plane = 0; plane < values.length / area; plane++) {
      const from = plane + 2 - 2 * (plane % 3)
      turned.set(values.subarray(from * area, (from + 1) * area), plane * area)
    }
    return turned
  })
}
