import type { Ops } from "./ops.js"

/** What a convolution gives behind its norm, before ReLU or addition. */
export interface LayerOutput<T> {
  /** Such as `layer1.0.conv1`. */
  readonly name: string
  /** Side of its window. */
  readonly kernel: number
  readonly maps: T
}

/** The same operations, which show the convolutions' outputs one after the other. */
export function observedOps<T>(ops: Ops<T>, observe: (output: LayerOutput<T>) => void, prefix = ""): Ops<T> {
  return {
    ...ops,
    in: (part) => observedOps(ops.in(part), observe, `${prefix}${part}.`),
    frozen: () => observedOps(ops.frozen(), observe, prefix),
    conv(x, spec, options) {
      const maps = ops.conv(x, spec, { ...options, relu: false })
      observe({ name: prefix + spec.conv, kernel: spec.kernel, maps })
      return options.relu ? ops.relu(maps) : maps
    },
  }
}
