import { type BlockSpec, type LayerSpec, type NetworkSpec, stageChannels } from "./architecture.js"

/** One row of a network's layer table. */
export interface LayerRow {
  /** Torchvision's name, such as `layer1.0.conv1`. */
  readonly name: string
  /** Side of the square window; 1 for the linear layer. */
  readonly kernel: number
  readonly stride: number
  readonly in: number
  readonly out: number
  /** Output size, `[height, width]`. */
  readonly size: readonly [number, number]
  /** Of the layer and its batch norm's weight and bias. */
  readonly parameters: number
  /** Products in the convolution or the linear layer; norms, pools and additions are not counted. */
  readonly multiplyAdds: number
}

export interface Summary {
  readonly rows: readonly LayerRow[]
  readonly parameters: number
  readonly multiplyAdds: number
}

/**
 * Counts a network's parameters and multiply-adds from its description, without an engine.
 * @param inputSize `[height, width]` of the image in pixels; the network's usual one when left out
 */
export function summarize(
  spec: NetworkSpec,
  options: { readonly inputSize?: readonly [number, number]; readonly classes?: number } = {},
): Summary {
  const { inputSize = spec.inputSize, classes = 1000 } = options
  const stem = row(spec.stem, "", inputSize)
  const rows: LayerRow[] = [stem]
  let size = spec.pool ? reduced(stem.size, 2) : stem.size
  spec.stages.forEach((stage, stageIndex) => {
    stage.forEach((block, blockIndex) => {
      const added = blockRows(block, `layer${stageIndex + 1}.${blockIndex}.`, size)
      rows.push(...added)
      size = added[block.layers.length - 1]!.size
    })
  })
  const channels = stageChannels(spec.stages.at(-1)!)
  rows.push({
    name: "fc",
    kernel: 1,
    stride: 1,
    in: channels,
    out: classes,
    size: [1, 1],
    parameters: channels * classes + classes,
    multiplyAdds: channels * classes,
  })
  const total = (count: (row: LayerRow) => number) => rows.reduce((sum, row) => sum + count(row), 0)
  return { rows, parameters: total((row) => row.parameters), multiplyAdds: total((row) => row.multiplyAdds) }
}

type Size = readonly [number, number]

function blockRows({ layers, shortcut }: BlockSpec, prefix: string, input: Size): LayerRow[] {
  let size = input
  const rows = layers.map((layer) => {
    const next = row(layer, prefix, size)
    size = next.size
    return next
  })
  return typeof shortcut === "string" ? rows : [...rows, row(shortcut, prefix, input)]
}

function row({ conv, kernel, stride, in: channels, out }: LayerSpec, prefix: string, input: Size): LayerRow {
  const size = reduced(input, stride)
  const weights = kernel * kernel * channels * out
  return {
    name: prefix + conv,
    kernel,
    stride,
    in: channels,
    out,
    size,
    parameters: weights + 2 * out,
    multiplyAdds: weights * size[0] * size[1],
  }
}

/** Odd windows with padding `(kernel - 1) / 2` round up. */
const reduced = ([height, width]: Size, stride: number): Size => [Math.ceil(height / stride), Math.ceil(width / stride)]
