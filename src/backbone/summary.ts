import {
  type BlockSpec,
  isProjection,
  type LayerSpec,
  type NetworkSpec,
  type StageSpec,
  stageChannels,
} from "./architecture.js"

/** `[height, width]` in pixels or cells. */
export type Size = readonly [number, number]

/** One row of a network's layer table. */
export interface LayerRow {
  /** Torchvision's name, such as `layer1.0.conv1`. */
  readonly name: string
  /** Side of the square window; 1 for a linear layer. */
  readonly kernel: number
  readonly stride: number
  readonly in: number
  readonly out: number
  /** Of the output. */
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

/** Values a channel behind a convolution: a norm's weight and bias, or the bias alone of a folded one. */
export const normValues = { frozen: 1, batch: 2, group: 2 } as const

/**
 * Counts a classifier's parameters and multiply-adds from its description, without an engine.
 * @param inputSize of the image in pixels; the network's usual one when left out
 */
export function summarize(
  spec: NetworkSpec,
  options: { readonly inputSize?: Size; readonly classes?: number } = {},
): Summary {
  const { inputSize = spec.inputSize, classes = spec.classes } = options
  const { rows } = trunkRows(spec, inputSize)
  return total([...rows, linearRow("fc", stageChannels(spec.stages.at(-1)!), classes)])
}

/**
 * The rows of the stem and of `spec`'s stages, and the size of each stage's maps.
 * @param conv5PerChannel values a channel behind conv5's convolutions, where its norm is another
 */
export function trunkRows(
  spec: Pick<NetworkSpec, "stem" | "pool" | "stages">,
  inputSize: Size,
  perChannel: number = normValues.batch,
  conv5PerChannel = perChannel,
): { rows: LayerRow[]; sizes: Size[] } {
  const stem = convolutionRow(spec.stem, "", inputSize, perChannel)
  const rows = [stem]
  const sizes: Size[] = []
  let size = spec.pool ? reduced(stem.size, 2) : stem.size
  for (const [index, stage] of spec.stages.entries()) {
    const next = stageRows(stage, `layer${index + 1}.`, size, index < 3 ? perChannel : conv5PerChannel)
    rows.push(...next.rows)
    size = next.size
    sizes.push(size)
  }
  return { rows, sizes }
}

/** The rows of one stage, and the size of its maps. */
export function stageRows(
  stage: StageSpec,
  prefix: string,
  inputSize: Size,
  perChannel: number = normValues.batch,
): { rows: LayerRow[]; size: Size } {
  const rows: LayerRow[] = []
  let size = inputSize
  for (const [index, block] of stage.entries()) {
    const added = blockRows(block, `${prefix}${index}.`, size, perChannel)
    rows.push(...added)
    size = added[block.layers.length - 1]!.size
  }
  return { rows, size }
}

/** @param perChannel values behind each output channel: 2 for a norm, 1 for a bias */
export function convolutionRow(
  { conv, kernel, stride, in: channels, out }: Omit<LayerSpec, "norm">,
  prefix: string,
  inputSize: Size,
  perChannel: number,
): LayerRow {
  const size = reduced(inputSize, stride)
  const weights = kernel * kernel * channels * out
  const parameters = weights + perChannel * out
  const multiplyAdds = weights * size[0] * size[1]
  return { name: prefix + conv, kernel, stride, in: channels, out, size, parameters, multiplyAdds }
}

/** A linear layer with bias. */
export function linearRow(name: string, channels: number, out: number): LayerRow {
  return convolutionRow({ conv: name, kernel: 1, stride: 1, in: channels, out }, "", [1, 1], 1)
}

export function total(rows: readonly LayerRow[]): Summary {
  const sum = (count: (row: LayerRow) => number) => rows.reduce((all, row) => all + count(row), 0)
  return { rows, parameters: sum((row) => row.parameters), multiplyAdds: sum((row) => row.multiplyAdds) }
}

function blockRows({ layers, shortcut }: BlockSpec, prefix: string, inputSize: Size, perChannel: number): LayerRow[] {
  let size = inputSize
  const rows = layers.map((layer) => {
    const row = convolutionRow(layer, prefix, size, perChannel)
    size = row.size
    return row
  })
  if (isProjection(shortcut)) rows.push(convolutionRow(shortcut, prefix, inputSize, perChannel))
  return rows
}

/** Odd windows with padding `(kernel - 1) / 2` round up. */
const reduced = ([height, width]: Size, stride: number): Size => [Math.ceil(height / stride), Math.ceil(width / stride)]
