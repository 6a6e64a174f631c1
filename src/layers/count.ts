import type { Size } from "../core/shapes.js"
import type { LayerSpec, Ops } from "./ops.js"
import { parameterSpecs } from "./parameters.js"

/** One row of a network's layer table. */
export interface LayerRow {
  /** Torchvision's name, such as `layer1.0.conv1`. */
  readonly name: string
  /** Side of the square window; 1 for a linear layer. */
  readonly kernel: number
  readonly stride: number
  readonly in: number
  readonly out: number
  /** Of the output; of the first one, where the layer runs on several maps. */
  readonly size: Size
  /** Of the layer and its norm or bias. */
  readonly parameters: number
  /** Products in the convolution or the linear layer; norms, pools and additions are not counted. */
  readonly multiplyAdds: number
}

export interface Summary {
  readonly rows: readonly LayerRow[]
  readonly parameters: number
  readonly multiplyAdds: number
}

/** Maps or vectors that are counted, not computed. */
export interface Counted {
  readonly size: Size
}

/** An image, or a list of vectors. */
export const counted = (size: Size = [1, 1]): Counted => ({ size })

/**
 * The layers of a description, and what they cost for one image (or region), without an engine.
 * @param describe runs the description on `counted` maps
 */
export function countLayers<Result>(describe: (ops: Ops<Counted>) => Result): {
  readonly rows: LayerRow[]
  readonly result: Result
} {
  const rows = new Map<string, LayerRow>()
  const result = describe(counting(rows, ""))
  return { rows: [...rows.values()], result }
}

export function total(rows: readonly LayerRow[]): Summary {
  const sum = (count: (row: LayerRow) => number) => rows.reduce((all, row) => all + count(row), 0)
  return { rows, parameters: sum((row) => row.parameters), multiplyAdds: sum((row) => row.multiplyAdds) }
}

function counting(rows: Map<string, LayerRow>, prefix: string): Ops<Counted> {
  const count = (
    layer: Pick<LayerSpec, "kernel" | "stride" | "in" | "out"> & { readonly name: string },
    size: Size,
    describe: (ops: Ops<null>) => unknown,
  ): Counted => {
    const { kernel, in: channels, out } = layer
    const name = prefix + layer.name
    const multiplyAdds = kernel * kernel * channels * out * size[0] * size[1]
    const before = rows.get(name)
    if (before) rows.set(name, { ...before, multiplyAdds: before.multiplyAdds + multiplyAdds })
    else rows.set(name, { ...layer, name, size, parameters: learned(describe), multiplyAdds })
    return { size }
  }
  const same = (x: Counted) => x
  return {
    in: (part) => counting(rows, `${prefix}${part}.`),
    frozen: () => counting(rows, prefix),
    conv(x, spec, options) {
      const { conv: name, kernel, stride, in: channels, out } = spec
      const size = reduced(x.size, stride)
      return count({ name, kernel, stride, in: channels, out }, size, (ops) => ops.conv(null, spec, options))
    },
    linear(_, spec) {
      const { name, in: inputs, out } = spec
      return count({ name, kernel: 1, stride: 1, in: inputs, out }, [1, 1], (ops) => ops.linear(null, spec))
    },
    relu: same,
    add: same,
    maxPool: ({ size }) => ({ size: reduced(size, 2) }),
    subsample: ({ size }, stride) => ({ size: reduced(size, stride) }),
    padChannels: same,
    secondLessFirst: same,
    upsample: (_, like) => like,
    averagePool: () => counted(),
    flatten: () => counted(),
  }
}

/** Values that are stored and learned: statistics do not count. */
function learned(describe: (ops: Ops<null>) => unknown): number {
  const own = parameterSpecs(describe).filter(({ kind }) => kind !== "statistic")
  return own.reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1), 0)
}

/** Odd windows with padding `(kernel - 1) / 2` round up. */
const reduced = ([height, width]: Size, stride: number): Size => [Math.ceil(height / stride), Math.ceil(width / stride)]
