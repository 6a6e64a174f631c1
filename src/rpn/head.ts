import * as tf from "@tensorflow/tfjs-core"
import { normal } from "../core/initializers.js"
import type { Scope } from "../core/parameters.js"
import { gatherRows } from "../engine/ops/gather-rows.js"
import { relu } from "../engine/ops/relu.js"
import type { Ops } from "../layers/ops.js"
import { createParameters } from "../layers/parameters.js"
import { testingOps } from "../layers/tensor-ops.js"
import { anchorPlaces, neighbours } from "./anchor-places.js"
import type { AnchorHead } from "./rpn.js"

/** New layers start as N(0, 0.01). @source Faster R-CNN (TPAMI), section 3.1.3 */
const initialStd = 0.01

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
  /** Channels of these convolutions; as many as the features where left out. */
  readonly width?: number
  /** `sigmoid` where left out. */
  readonly objectness?: Objectness
}

/**
 * What the layer says of an anchor: one logit for the sigmoid, or two for a softmax, first those of background for all anchors
 * of a cell, then those of objects. The softmax of two is the sigmoid of their difference, so that only the layer differs.
 * @source torchvision, detectron2: sigmoid; Faster R-CNN (TPAMI), section 3.1: softmax; py-faster-rcnn: background first
 */
export const objectnessKinds = ["sigmoid", "softmax"] as const
export type Objectness = (typeof objectnessKinds)[number]

/**
 * The RPN's layers on one map: a 3x3 convolution, or several, then two sibling 1x1 convolutions.
 * @returns one objectness logit and four deltas for each anchor of a cell, as maps of A and 4 * A channels
 * @source torchvision `RPNHead`
 */
export function rpnHead<T>(
  ops: Ops<T>,
  { channels, anchors, depth = 1, width = channels, objectness = "sigmoid" }: RpnHeadSizes,
  features: T,
): { readonly logits: T; readonly deltas: T } {
  const layer = (place: string, x: T, kernel: number, inputs: number, out: number, relu: boolean) => {
    const spec = { conv: place, norm: "", kernel, stride: 1, in: inputs, out }
    return ops.conv(x, spec, { norm: "none", relu, initialize: normal(initialStd) })
  }
  const hidden = convNames(depth).reduce(
    (x, name, index) => layer(name, x, 3, index === 0 ? channels : width, width, true),
    features,
  )
  const said = layer("cls_logits", hidden, 1, width, (objectness === "softmax" ? 2 : 1) * anchors, false)
  return {
    logits: objectness === "softmax" ? ops.secondLessFirst(said, anchors) : said,
    deltas: layer("bbox_pred", hidden, 1, width, 4 * anchors, false),
  }
}

const convNames = (depth: number): string[] => Array.from({ length: depth }, (_, i) => `conv.${i}.0`)

/** The RPN's layers on tensors, see `rpnHead`. */
export class RpnHead implements AnchorHead {
  readonly #ops: Ops<tf.Tensor>
  readonly #sizes: RpnHeadSizes
  readonly #convs: readonly Layer[]
  readonly #objectness: Layer
  readonly #deltas: Layer

  constructor(scope: Scope, sizes: RpnHeadSizes) {
    createParameters(scope, (ops) => rpnHead(ops, sizes, null))
    const layer = (name: string): Layer => ({ weight: scope.get(`${name}.weight`), bias: scope.get(`${name}.bias`) })
    this.#ops = testingOps(scope)
    this.#sizes = sizes
    this.#convs = convNames(sizes.depth ?? 1).map(layer)
    this.#objectness = layer("cls_logits")
    this.#deltas = layer("bbox_pred")
  }

  /** @param levels `[N, H, W, C]` each; the same layers run on all */
  apply(levels: readonly tf.Tensor4D[]): RpnOutputs {
    const outputs = levels.map((features) => {
      const { logits, deltas } = rpnHead<tf.Tensor>(this.#ops, this.#sizes, features)
      const images = features.shape[0]
      return { logits: tf.reshape(logits, [images, -1]), deltas: tf.reshape(deltas, [images, -1, 4]) }
    })
    return {
      logits: tf.concat(
        outputs.map(({ logits }) => logits as tf.Tensor2D),
        1,
      ),
      deltas: tf.concat(
        outputs.map(({ deltas }) => deltas as tf.Tensor3D),
        1,
      ),
    }
  }

  /**
   * What `apply` says of some anchors, computed for these alone. A loss of a sample of 256 anchors reaches 256 cells of the
   * maps: through `apply` its gradient would run over all of them, nearly all zeros, and take twice the forward pass.
   * @param sampled of each of the N images, indices of 0..R-1
   * @returns all images' anchors in one list
   */
  applyAt(levels: readonly tf.Tensor4D[], sampled: readonly (readonly number[])[]): AnchorOutputs {
    const sizes = levels.map(({ shape }): MapSizes => [shape[0], shape[1], shape[2]])
    const places = anchorPlaces(sizes, this.#sizes.anchors, sampled)
    const outputs = places.flatMap(({ cells, anchors }, level) => {
      if (cells.length === 0) return []
      const maps = { rows: rowsOf(levels[level]!), size: sizes[level]! }
      const hidden = this.#hidden(maps, this.#convs.length, cells, new Float32Array(cells.length).fill(1))
      const own = anchors.map((anchor, row) => row * this.#sizes.anchors + anchor)
      const said = ({ weight, bias }: Layer): tf.Tensor2D => tf.add(tf.matMul(hidden, flat(weight)), bias)
      // A tensor of its own each time: tfjs-node's gather reads back what was sent before.
      const of = (all: tf.Tensor2D, width: number) => tf.gather(tf.reshape(all, [-1, width]), tf.tensor1d(own, "int32"))
      return [{ logits: of(this.#logits(said(this.#objectness)), 1), deltas: of(said(this.#deltas), 4) }]
    })
    if (outputs.length === 0) return { logits: tf.zeros([0]), deltas: tf.zeros([0, 4]) }
    const order = new Int32Array(places.reduce((count, { order }) => count + order.length, 0))
    let row = 0
    for (const own of places) for (const place of own.order) order[place] = row++
    const joined = (parts: tf.Tensor[]) => tf.gather(tf.concat(parts), tf.tensor1d(order, "int32"))
    return {
      logits: tf.reshape(joined(outputs.map(({ logits }) => logits)), [-1]),
      deltas: joined(outputs.map(({ deltas }) => deltas)) as tf.Tensor2D,
    }
  }

  /** Of what the layer says of M cells. */
  #logits(said: tf.Tensor2D): tf.Tensor2D {
    const { anchors, objectness } = this.#sizes
    return objectness === "softmax" ? (this.#ops.secondLessFirst(said, anchors) as tf.Tensor2D) : said
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
