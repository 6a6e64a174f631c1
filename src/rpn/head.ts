import * as tf from "@tensorflow/tfjs-core"
import { normal } from "../core/initializers.js"
import type { Scope } from "../core/parameters.js"
import { isOnCuda } from "../engine/native/op.js"
import { gatherRows } from "../engine/ops/gather-rows.js"
import { relu } from "../engine/ops/relu.js"
import { takeRows } from "../engine/ops/take-rows.js"
import type { Ops } from "../layers/ops.js"
import { createParameters } from "../layers/parameters.js"
import { testingOps } from "../layers/tensor-ops.js"
import { anchorPatches, type MapSizes } from "./anchor-places.js"
import { placesOnDevice } from "./device-places.js"
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

/** Where some anchors are, as a head needs to know it; the shapes follow from how many they are. */
export interface AnchorPlaces {
  readonly tensors: readonly tf.Tensor[]
  /** The values of tensors of rows, in their order. */
  readonly rows: readonly Int32Array[]
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

  places(sizes: readonly MapSizes[], sampled: readonly (readonly number[])[]): AnchorPlaces {
    const depth = this.#convs.length
    const perImage = sampled[0]?.length ?? 0
    if (isOnCuda() && perImage > 0 && sampled.every(({ length }) => length === perImage)) {
      return { tensors: [tf.tensor2d(Float32Array.from(sampled.flat()), [sampled.length, perImage])], rows: [] }
    }
    const { finest, others, inside, anchors } = anchorPatches(sizes, this.#sizes.anchors, sampled, depth)
    const own = Int32Array.from(anchors, (anchor, row) => row * this.#sizes.anchors + anchor)
    const parts = [finest, ...(sizes.length > 1 ? [others] : [])]
    const column = (values: Float32Array) => tf.tensor2d(values, [values.length, 1])
    return {
      tensors: [
        tf.tensor1d(own, "int32"),
        ...inside.map(column),
        ...parts.flatMap(({ cells, counts }) => [tf.tensor1d(cells, "int32"), column(counts)]),
      ],
      rows: parts.map(({ cells }) => cells),
    }
  }

  /** Of what the layer says of M cells. */
  #logits(said: tf.Tensor2D): tf.Tensor2D {
    const { anchors, objectness } = this.#sizes
    return objectness === "softmax" ? (this.#ops.secondLessFirst(said, anchors) as tf.Tensor2D) : said
  }

  /**
   * What `apply` says of some anchors, computed for these alone. A loss of a sample of 256 anchors reaches 256 cells of the
   * maps: through `apply` its gradient would run over all of them, nearly all zeros, and take twice the forward pass.
   * @param places of anchors on levels of these sizes
   * @returns all images' anchors in one list
   */
  applyAt(levels: readonly tf.Tensor4D[], { tensors: given, rows }: AnchorPlaces): AnchorOutputs {
    const depth = this.#convs.length
    const sizes = levels.map(({ shape }): MapSizes => [shape[0], shape[1], shape[2]])
    // One tensor is that of the anchors themselves.
    const isAlone = given.length === 1
    const tensors = isAlone ? placesOnDevice(sizes, this.#sizes.anchors, given[0] as tf.Tensor2D, depth) : given
    const [own, ...others] = tensors as [tf.Tensor1D, ...tf.Tensor[]]
    const count = own.shape[0]
    if (count === 0) return { logits: tf.zeros([0]), deltas: tf.zeros([0, 4]) }
    const inside = others.slice(0, depth - 1) as tf.Tensor2D[]
    // The finest maps are most of all; the rest are one list.
    const [finest, ...coarser] = levels.map(rowsOf) as [tf.Tensor2D, ...tf.Tensor2D[]]
    const maps = coarser.length === 0 ? [finest] : [finest, coarser.length === 1 ? coarser[0]! : tf.concat(coarser)]
    const parts = maps.map((map, i) => {
      const [cells, counts] = others.slice(depth - 1 + 2 * i) as [tf.Tensor1D, tf.Tensor2D]
      return tf.mul<tf.Tensor2D>(gatherRows(map, rows[i] ?? noRows, cells), counts)
    })
    const patches = parts.length === 1 ? parts[0]! : tf.add<tf.Tensor2D>(parts[0]!, parts[1]!)
    const hidden = this.#convs.reduce((x, { weight, bias }, i) => {
      const matrix = flat(weight)
      const y = relu(tf.add<tf.Tensor2D>(tf.matMul(tf.reshape(x, [-1, matrix.shape[0]]), matrix), bias))
      return i < depth - 1 ? tf.mul<tf.Tensor2D>(y, inside[i]!) : y
    }, patches)
    const said = ({ weight, bias }: Layer): tf.Tensor2D => tf.add(tf.matMul(hidden, flat(weight)), bias)
    const of = (all: tf.Tensor2D, width: number) => takeRows(tf.reshape(all, [-1, width]) as tf.Tensor2D, own)
    const logits = of(this.#logits(said(this.#objectness)), 1)
    return { logits: tf.reshape(logits, [-1]), deltas: of(said(this.#deltas), 4) }
  }
}

/** Of places whose values nobody has read: engines that have them so do not ask. */
const noRows = new Int32Array(0)

const rowsOf = (level: tf.Tensor4D): tf.Tensor2D => tf.reshape(level, [-1, level.shape[3]])

/** A convolution's weight as the matrix that its patches are multiplied with. */
const flat = (weight: tf.Tensor4D): tf.Tensor2D => tf.reshape(weight, [-1, weight.shape[3]])

interface Layer {
  readonly weight: tf.Tensor4D
  readonly bias: tf.Tensor1D
}
