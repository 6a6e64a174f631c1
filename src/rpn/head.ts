import * as tf from "@tensorflow/tfjs-core"
import { convolution } from "../engine/convolution.js"
import { constant, normal, type Scope } from "../tensor/parameters.js"

/** New layers start as N(0, 0.01). @source Faster R-CNN (TPAMI), section 3.1.3 */
const initialDeviation = 0.01

/** What the RPN says of each anchor: level by level, within each by rows, columns, anchors of a cell. */
export interface RpnOutputs {
  /** `[N, R]` logits: is there an object? */
  readonly logits: tf.Tensor2D
  /** `[N, R, 4]` deltas dx, dy, dw, dh. */
  readonly deltas: tf.Tensor3D
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

  constructor(scope: Scope, { channels, anchors, depth = 1 }: RpnHeadSizes) {
    this.#convs = Array.from({ length: depth }, (_, i) => layer(scope.in(`conv.${i}.0`), 3, channels, channels))
    this.#objectness = layer(scope.in("cls_logits"), 1, channels, anchors)
    this.#deltas = layer(scope.in("bbox_pred"), 1, channels, 4 * anchors)
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
}

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
