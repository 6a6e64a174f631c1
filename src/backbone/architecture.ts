import type { LayerSpec } from "../layers/ops.js"

/** Every `stride`-th pixel of a block's input, its channels filled up with zeros behind them or on both sides. */
interface PaddedShortcut {
  readonly zeros: "after" | "both"
  readonly stride: number
  readonly in: number
  readonly out: number
}

/** What a block adds to its last convolution's output: its input, as it is or made to fit, or nothing (a plain net). */
export type ShortcutSpec = LayerSpec | PaddedShortcut | "identity" | "none"

/** Whether the shortcut is a convolution. */
export const isProjection = (shortcut: ShortcutSpec): shortcut is LayerSpec =>
  typeof shortcut !== "string" && "conv" in shortcut

export interface BlockSpec {
  readonly layers: readonly LayerSpec[]
  readonly shortcut: ShortcutSpec
}

/** The blocks that torchvision calls `layer1`, `layer2`, ... */
export type StageSpec = readonly BlockSpec[]

/** A classification network from image to logits. */
export interface NetworkSpec {
  readonly name: string
  /** Usual input, `[height, width]` in pixels. */
  readonly inputSize: readonly [number, number]
  /** Usual number of classes. */
  readonly classes: number
  readonly stem: LayerSpec
  /** Whether a 3x3 max pool of stride 2 follows the stem. */
  readonly pool: boolean
  readonly stages: readonly StageSpec[]
}

export type Depth = 18 | 34 | 50 | 101 | 152

/** @source He et al. 2016 (arXiv 1512.03385) Table 1 */
const blocksByDepth: Readonly<Record<Depth, readonly [number, number, number, number]>> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
}

export const depths = Object.keys(blocksByDepth).map(Number) as Depth[]

export interface ResNetOptions {
  /**
   * Where a bottleneck block takes its stride: torchvision's 3x3, or the paper's and its released models' first 1x1.
   * Weights are the same in name and shape, so a file does not tell.
   */
  readonly strideIn: "3x3" | "1x1"
  /**
   * The paper's shortcut options: A pads with zeros where channels grow, B projects there, C projects everywhere.
   * @source He et al. 2016 section 3.3; fb.resnet.torch: option A's zeros stand behind the channels
   */
  readonly shortcut: "A" | "B" | "C"
  /** Whether the shortcuts are left out. */
  readonly plain: boolean
}

/** @source torchvision models/resnet.py: stride in the 3x3 (the paper's own is "1x1"), option B */
export const resNetDefaults: ResNetOptions = { strideIn: "3x3", shortcut: "B", plain: false }

/** The layers of an ImageNet ResNet. */
export function resNetSpec(depth: Depth, options: Partial<ResNetOptions> = {}): NetworkSpec {
  const { strideIn, shortcut: option, plain } = { ...resNetDefaults, ...options }
  let channels = 64
  const stages = blocksByDepth[depth].map((count, stage) => {
    const width = 64 * 2 ** stage
    const out = depth < 50 ? width : 4 * width
    return Array.from({ length: count }, (_, index) => {
      const sizes = { in: channels, width, out, stride: stage > 0 && index === 0 ? 2 : 1 }
      channels = out
      return {
        layers: depth < 50 ? basic(sizes) : bottleneck(sizes, strideIn),
        shortcut: plain ? "none" : shortcut(option, sizes),
      }
    })
  })
  const stem = { conv: "conv1", norm: "bn1", kernel: 7, stride: 2, in: 3, out: 64 }
  return {
    name: `${plain ? "plain" : "resnet"}${depth}`,
    inputSize: [224, 224],
    classes: 1000,
    stem,
    pool: true,
    stages,
  }
}

/** Channels of the maps that a stage gives. */
export function stageChannels(stage: StageSpec): number {
  return stage.at(-1)!.layers.at(-1)!.out
}

/** The same stage with another stride: conv5 over RoIs of 7x7 keeps their size at stride 1. */
export function restride(stage: StageSpec, stride: number): StageSpec {
  const change = <Spec extends { readonly stride: number }>(layer: Spec): Spec =>
    layer.stride === 1 ? layer : { ...layer, stride }
  return stage.map(({ layers, shortcut }) => ({
    layers: layers.map((layer) => change(layer)),
    shortcut: typeof shortcut === "string" ? shortcut : change(shortcut),
  }))
}

/**
 * The same stage without its stride, its windows stretched instead: a map of the same size, seen as far around.
 * @source detectron2 `ResNet.make_default_stages`: RES5_DILATION 2 dilates the 3x3 of every block, the first one's too
 */
export function dilate(stage: StageSpec, dilation: number): StageSpec {
  return restride(stage, 1).map(({ layers, shortcut }) => ({
    layers: layers.map((layer) => (layer.kernel === 1 ? layer : { ...layer, dilation })),
    shortcut,
  }))
}

export interface BlockSizes {
  readonly in: number
  /** Channels of the inner convolutions. */
  readonly width: number
  readonly out: number
  readonly stride: number
}

/** Two 3x3 convolutions. */
export function basic({ in: channels, width, stride }: BlockSizes): LayerSpec[] {
  return [
    { conv: "conv1", norm: "bn1", kernel: 3, stride, in: channels, out: width },
    { conv: "conv2", norm: "bn2", kernel: 3, stride: 1, in: width, out: width },
  ]
}

function bottleneck({ in: channels, width, out, stride }: BlockSizes, strideIn: "3x3" | "1x1"): LayerSpec[] {
  const [first, second] = strideIn === "1x1" ? [stride, 1] : [1, stride]
  return [
    { conv: "conv1", norm: "bn1", kernel: 1, stride: first, in: channels, out: width },
    { conv: "conv2", norm: "bn2", kernel: 3, stride: second, in: width, out: width },
    { conv: "conv3", norm: "bn3", kernel: 1, stride: 1, in: width, out },
  ]
}

/** A shortcut by the paper's options; `zeros` tells where option A puts them. */
export function shortcut(option: "A" | "B" | "C", sizes: BlockSizes, zeros: "after" | "both" = "after"): ShortcutSpec {
  const { in: channels, out, stride } = sizes
  const fits = channels === out && stride === 1
  if (fits && option !== "C") return "identity"
  if (option === "A") return { zeros, stride, in: channels, out }
  return { conv: "downsample.0", norm: "downsample.1", kernel: 1, stride, in: channels, out }
}
