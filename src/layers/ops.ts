import type { Initializer } from "../core/initializers.js"

/** A convolution and the norm behind it, by their names within the place where they stand. */
export interface LayerSpec {
  /** Such as `conv1`: its parameters are `conv1.weight` and, where it has no norm, `conv1.bias`. */
  readonly conv: string
  /** Such as `bn1`. */
  readonly norm: string
  /** Side of the square window; padding is `dilation * (kernel - 1) / 2`. */
  readonly kernel: number
  readonly stride: number
  /** Cells from one value of the window to the next; 1 where left out. */
  readonly dilation?: number
  readonly in: number
  readonly out: number
}

/**
 * Which norm stands behind a convolution:
 * - `frozen`: batch norm as a constant, folded into the convolution's weight and bias; the bias does not train
 * - `unfolded`: the same constant beside the convolution, as torchvision's `FrozenBatchNorm2d`: the network says the same, and
 *   its filters learn at the size that they have in the file
 * - `batch`: batch norm that trains, with running statistics for testing
 * - `group`: group norm with 32 groups, the same in training and testing
 */
export type NormKind = "frozen" | "unfolded" | "batch" | "group"

export interface ConvOptions {
  /** `none`: a bias that trains stands in the norm's place. */
  readonly norm: NormKind | "none"
  /** Whether a ReLU follows. */
  readonly relu?: boolean
  /** The filter's first values; `heNormal` where left out. */
  readonly initialize?: Initializer
}

/** A fully connected layer with its bias, `name.weight` and `name.bias`. */
export interface LinearSpec {
  readonly name: string
  readonly in: number
  readonly out: number
  /** The matrix's first values. */
  readonly initialize: Initializer
  /** The bias's; zeros where left out. */
  readonly initializeBias?: Initializer
}

/**
 * The operations that networks are described with. A description is a function `(ops, ..., x) => T`; what T is depends on
 * who reads it: tensors that are trained or tested, the names of an ONNX graph's values, sizes to be counted, or nothing but
 * the parameters. Maps are `[N, H, W, C]`, vectors `[N, C]`.
 */
export interface Ops<T> {
  /** The same operations, whose parameters lie in a part of the model: `ops.in("layer1")` has `layer1.*`. */
  in(part: string | number): Ops<T>
  /** The same operations for parts that do not train: their norms keep their statistics, in training too. */
  frozen(): Ops<T>
  /** A convolution with its norm. Sizes are those of the input by the stride, rounded up. */
  conv(x: T, spec: LayerSpec, options: ConvOptions): T
  /** Vectors to vectors. */
  linear(x: T, spec: LinearSpec, options?: { readonly relu?: boolean }): T
  /** `max(x, 0)`. */
  relu(x: T): T
  /** The sum of two maps of one size. */
  add(a: T, b: T, options?: { readonly relu?: boolean }): T
  /** Maxima of 3x3 windows, stride 2, of maps that are nowhere negative, such as those behind a ReLU. */
  maxPool(x: T): T
  /** Every `stride`-th cell. */
  subsample(x: T, stride: number): T
  /** Channels of zeros before and behind those that are there. */
  padChannels(x: T, before: number, behind: number): T
  /** The second `half` of 2 * `half` channels less the first; of vectors too. */
  secondLessFirst(x: T, half: number): T
  /** Each cell four times, cut to the size of `like`. */
  upsample(x: T, like: T): T
  /** The mean of all cells: maps to vectors. */
  averagePool(x: T): T
  /** Maps of one size to vectors of C * H * W values, channel by channel as in PyTorch. */
  flatten(x: T): T
}
