import * as tf from "@tensorflow/tfjs-core"
import type { RgbImage } from "../../datasets/image/rgb.js"
import type { ResNet } from "../backbone/classifier.js"
import type { Normalisation } from "../core/normalisation.js"
import { awaitReadback } from "../engine/readback.js"
import { type CropSizes, writeCrops } from "./test-crops.js"

/** How strongly one layer answers. */
export interface LayerResponse {
  /** Such as `layer1.0.conv1`. */
  readonly layer: string
  /** Standard deviation over all values of all images: behind the norm, before ReLU or addition. */
  readonly deviation: number
}

/**
 * Gathers the responses of a network's 3x3 layers, image by image; memory does not grow with the number of images.
 * @source He et al. 2016 section 4.2, "Analysis of layer responses", and Fig. 7
 */
export class ResponseMeter {
  readonly #network: ResNet
  readonly #values: Normalisation
  readonly #sizes: CropSizes
  readonly #layers = new Map<string, Moments>()

  constructor(network: ResNet, values: Normalisation, sizes: CropSizes) {
    this.#network = network
    this.#values = values
    this.#sizes = sizes
  }

  /** Runs the centre crops of some images. */
  async add(images: readonly RgbImage[]): Promise<void> {
    const { size } = this.#sizes
    const crops = new Float32Array(images.length * 3 * size * size)
    for (const [i, image] of images.entries())
      writeCrops(image, this.#sizes, 1, this.#values, crops, i * 3 * size * size)
    const found: { readonly name: string; readonly moments: tf.Tensor1D; readonly count: number }[] = []
    tf.tidy(() => {
      this.#network.observe(tf.tensor4d(crops, [images.length, size, size, 3]), ({ name, kernel, maps }) => {
        if (kernel !== 3) return
        const { mean, variance } = tf.moments(maps)
        found.push({ name, moments: tf.keep(tf.stack([mean, variance])) as tf.Tensor1D, count: maps.size })
      })
    })
    await awaitReadback(found.map(({ moments }) => moments))
    for (const { name, moments, count } of found) {
      const [mean, variance] = moments.dataSync()
      this.#layers.set(name, (this.#layers.get(name) ?? new Moments()).with(mean!, variance!, count))
      moments.dispose()
    }
  }

  /** The 3x3 layers from the image on. */
  responses(): LayerResponse[] {
    return [...this.#layers].map(([layer, { deviation }]) => ({ layer, deviation }))
  }
}

/** Mean and variance of parts put together without keeping the parts. */
class Moments {
  readonly count: number
  readonly mean: number
  /** Sum of squared distances from the mean. */
  readonly spread: number

  constructor(count = 0, mean = 0, spread = 0) {
    this.count = count
    this.mean = mean
    this.spread = spread
  }

  get deviation(): number {
    return Math.sqrt(this.spread / this.count)
  }

  /** @source Chan, Golub, LeVeque 1979: pairwise update of sums of squares */
  with(mean: number, variance: number, more: number): Moments {
    const count = this.count + more
    const step = mean - this.mean
    const spread = this.spread + variance * more + (step * step * this.count * more) / count
    return new Moments(count, this.mean + (step * more) / count, spread)
  }
}
