import * as tf from "@tensorflow/tfjs-core"
import { convolution } from "../engine/ops/convolution/convolution.js"
import { gatherRows } from "../engine/ops/gather-rows.js"
import { relu } from "../engine/ops/relu.js"
import { constant, normal, type Scope } from "../tensor/parameters.js"
import { anchorPlaces, neighbours } from "./anchor-places.js"

/** New layers start as N(0, 0.01). @source Faster R-CNN (TPAMI), section 3.1.3 */
const initialDeviation = 0.01

/** What the RPN says of each anchor: level by level, within each by rows, columns, anchors of a cell. */
export interface RpnOutputs {
  /** `[N, R]` logits: is there an object? */
  readonly logits: tf.Tensor2D
  /** `[N, R, 4]` deltas dx, dy, dw, dh. */
  readonly deltas: tf.Tensor3D
}

/** What the RPN says of S anchors. */
export interface AnchorOutputs {
  /** `[S]` */
  readonly logits: tf.Tensor1D
  /** `[S, 4]` */
  readonly deltas: tf.Tensor2D
}

export interface RpnHeadSizes {
  /** Of the features. */
  readonly channels: number
  /** At one cell. */
  readonly anchors: number
  /** How many 3x3 convolutions; one where left out. */
  readonly depth?: number
}

/**
 * A 3x3 convolution, or several, then two sibling 1x1 convolutions: one objectness logit and four deltas for each anchor.
 * @source torchvision `RPNHead`: sigmoid objectness, as wide as the features (the original is 512 wide with a softmax)
 */
export class RpnHead {
  readonly #convs: readonly Layer[]
  readonly #objectness: Layer
  readonly #deltas: Layer
  readonly #perCell: number

  constructor(scope: Scope, { channels, anchors, depth = 1 }: RpnHeadSizes) {
    this.#convs = Array.from({ length: depth }, (_, i) => layer(scope.in(`conv.${i}.0`), 3, channels, channels))
    this.#objectness = layer(scope.in("cls_logits"), 1, channels, anchors)
    this.#deltas = layer(scope.in("bbox_pred"), 1, channels, 4 * anchors)
    this.#perCell = anchors
  }

  /** @param levels `[N, H, W, C]` each; the same layers run on all */
  apply(levels: readonly tf.Tensor4D[]): RpnOutputs {
    const said = levels.map((features) => {
      const hidden = this.#convs.reduce(
        (maps, { weight, bias }) => convolution(maps, weight, bias, { padding: 1, relu: true }),
        features,
      )
      const logits = convolution(hidden, this.#objectness.weight, this.#objectness.bias)
      const deltas = convolution(hidden, this.#deltas.weight, this.#deltas.bias)
      const images = features.shape[0]
      return { logits: tf.reshape(logits, [images, -1]), deltas: tf.reshape(deltas, [images, -1, 4]) }
    })
    return {
      logits: tf.concat(
        said.map(({ logits }) => logits as tf.Tensor2D),
        1,
      ),
      deltas: tf.concat(
        said.map(({ deltas }) => deltas as tf.Tensor3D),
        1,
      ),
    }
  }

  /**
   * What `apply` says of some anchors, computed for these alone. A loss of a sample of 256 anchors reaches 256 cells of the
   * maps: through `apply` its gradient would run over all of them, nearly all zeros, and take twice the forward pass.
   * @param wanted of each of the N images, indices of 0..R-1
   * @returns all images' anchors in one list
   */
  applyAt(levels: readonly tf.Tensor4D[], wanted: readonly (readonly number[])[]): AnchorOutputs {
    const sizes = levels.map(({ shape }): MapSizes => [shape[0], shape[1], shape[2]])
    const places = anchorPlaces(sizes, this.#perCell, wanted)
    const said = places.flatMap(({ cells, anchors }, level) => {
      if (cells.length === 0) return []
      const maps = { rows: rowsOf(levels[level]!), size: sizes[level]! }
      const hidden = this.#hidden(maps, this.#convs.length, cells, new Float32Array(cells.length).fill(1))
      const own = tf.tensor1d(
        anchors.map((anchor, row) => row * this.#perCell + anchor),
        "int32",
      )
      const of = ({ weight, bias }: Layer, width: number) => {
        const all = tf.add(tf.matMul(hidden, flat(weight)), bias)
        return tf.gather(tf.reshape(all, [-1, width]), own)
      }
      return [{ logits: of(this.#objectness, 1), deltas: of(this.#deltas, 4) }]
    })
    if (said.length === 0) return { logits: tf.zeros([0]), deltas: tf.zeros([0, 4]) }
    const order = new Int32Array(places.reduce((count, { order }) => count + order.length, 0))
    let row = 0
    for (const own of places) for (const place of own.order) order[place] = row++
    const joined = (parts: tf.Tensor[]) => tf.gather(tf.concat(parts), tf.tensor1d(order, "int32"))
    return {
      logits: tf.reshape(joined(said.map(({ logits }) => logits)), [-1]),
      deltas: joined(said.map(({ deltas }) => deltas)) as tf.Tensor2D,
    }
  }

  /** The maps behind `depth` of the 3x3 convolutions at M cells, `[M, C]`; 0 at those beyond them. */
  #hidden(maps: Maps, depth: number, cells: Int32Array, inside: Float32Array): tf.Tensor2D {
    const masked = (rows: tf.Tensor2D) =>
      inside.every((value) => value === 1) ? rows : tf.mul<tf.Tensor2D>(rows, tf.tensor2d(inside, [cells.length, 1]))
    if (depth === 0) return masked(gatherRows(maps.rows, cells))
    const around = neighbours(maps.size, cells, inside)
    const patches = this.#hidden(maps, depth - 1, around.cells, around.inside)
    const { weight, bias } = this.#convs[depth - 1]!
    return masked(relu(tf.add<tf.Tensor2D>(tf.matMul(tf.reshape(patches, [cells.length, -1]), flat(weight)), bias)))
  }
}

type MapSizes = readonly [images: number, height: number, width: number]

/** The N maps of a level, cell by cell `[N * H * W, C]`. */
interface Maps {
  readonly rows: tf.Tensor2D
  readonly size: MapSizes
}

const rowsOf = (level: tf.Tensor4D): tf.Tensor2D => tf.reshape(level, [-1, level.shape[3]])

/** A convolution's weight as the matrix that its patches are multiplied with. */
const flat = (weight: tf.Tensor4D): tf.Tensor2D => tf.reshape(weight, [-1, weight.shape[3]])

interface Layer {
  readonly weight: tf.Tensor4D
  readonly bias: tf.Tensor1D
}

function layer(scope: Scope, size: number, from: number, to: number): Layer {
  return {
    weight: scope.create("weight", "conv", [size, size, from, to], normal(initialDeviation)) as tf.Tensor<tf.Rank.R4>,
    bias: scope.create("bias", "bias", [to], constant(0)) as tf.Tensor<tf.Rank.R1>,
  }
}
