import * as tf from "@tensorflow/tfjs-core"
import type { Initializer } from "../core/initializers.js"
import type { Normalisation } from "../core/normalisation.js"
import type { Scope } from "../core/parameters.js"

/** The mean picture's name in weights files: `[size, size, 3]`, RGB in 0..1. */
export const meanPictureName = "input.mean"

export interface MeanPictureOptions extends Normalisation {
  /** Side of the picture, which is that of the square the network is trained on. */
  readonly size: number
}

/**
 * The mean picture of a training set, taken off images that came in less its channels' means. It belongs to the places of
 * the input: a shifted or a mirrored crop loses the same picture as any other. An input of another size loses the
 * channels' means alone.
 * @source He et al. 2016 sections 3.4 and 4.2: "per-pixel mean subtracted"
 */
export class MeanPicture {
  readonly #picture: tf.Variable
  readonly #options: MeanPictureOptions

  /** Where the weights hold no picture it is the channels' means all over, which changes nothing. */
  constructor(scope: Scope, options: MeanPictureOptions) {
    const { size, mean } = options
    const flat: Initializer = () => Float32Array.from({ length: 3 * size * size }, (_, i) => mean[i % 3]!)
    this.#picture = scope.create(meanPictureName, "statistic", [size, size, 3], flat)
    this.#options = options
  }

  /** @param images `[N, H, W, 3]`, `(value / 255 - mean) / std` */
  subtract(images: tf.Tensor4D): tf.Tensor4D {
    const { size, mean, std } = this.#options
    if (images.shape[1] !== size || images.shape[2] !== size) return images
    return tf.tidy(() => {
      const rest = tf.div(tf.sub(this.#picture, tf.tensor1d([...mean])), tf.tensor1d([...std]))
      return tf.sub(images, rest)
    })
  }
}
