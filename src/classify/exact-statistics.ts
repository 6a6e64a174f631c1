import * as tf from "@tensorflow/tfjs-core"
import type { ResNet } from "../backbone/classifier.js"
import type { Parameters } from "../core/parameters.js"
import { awaitReadback } from "../engine/readback.js"
import type { BatchStatistics } from "../layers/tensor-ops.js"

/** Pictures of one pass. */
export interface StatisticsBatch {
  /** `[N, H, W, 3]` normalised float32. */
  readonly pixels: Float32Array
  readonly shape: readonly [number, number, number, number]
}

/**
 * Replaces the running means and variances of a network's batch norms by the exact ones over many batches: every layer's
 * over all values it saw while each batch was normalised by itself, as in training. They change nothing when `signal` is
 * aborted on the way, or when there are no batches.
 * @param images how many to look at; the batch that reaches the number is the last
 * @returns how many were looked at
 * @source KaimingHe/deep-residual-networks: strict averages over a sufficiently large training batch, after training
 */
export async function setExactStatistics(
  network: ResNet,
  parameters: Parameters,
  batches: AsyncIterable<StatisticsBatch>,
  images: number,
  signal?: AbortSignal,
): Promise<number> {
  const layers = new Map<string, Sums>()
  let seen = 0
  for await (const { pixels, shape } of batches) {
    if (signal?.aborted) return seen
    const found: BatchStatistics[] = []
    tf.tidy(() => {
      const observe = (statistics: BatchStatistics) => {
        found.push(statistics)
        tf.keep(statistics.mean)
        tf.keep(statistics.variance)
      }
      network.train(network.frozenFeatures(tf.tensor4d(pixels, [...shape])), observe)
    })
    const tensors = found.flatMap(({ mean, variance }) => [mean, variance])
    await awaitReadback(tensors)
    for (const statistics of found) {
      const sums = layers.get(statistics.name) ?? new Sums(statistics.mean.size)
      layers.set(statistics.name, sums)
      sums.add(statistics)
    }
    tf.dispose(tensors)
    seen += shape[0]
    if (seen >= images) break
  }
  for (const [name, sums] of layers) {
    const { mean, variance } = sums.result()
    tf.tidy(() => parameters.get(`${name}.running_mean`)!.variable.assign(tf.tensor1d(mean)))
    tf.tidy(() => parameters.get(`${name}.running_var`)!.variable.assign(tf.tensor1d(variance)))
  }
  return seen
}

/** Counts, means and squared distances from the mean of one layer's channels, batch joined to batch. */
class Sums {
  #count = 0
  readonly #mean: Float64Array
  readonly #squares: Float64Array

  constructor(channels: number) {
    this.#mean = new Float64Array(channels)
    this.#squares = new Float64Array(channels)
  }

  /** @source Chan, Golub, LeVeque 1979: joining two samples' means and squares without cancellation */
  add({ mean, variance, count }: BatchStatistics): void {
    const [means, variances] = [mean.dataSync(), variance.dataSync()]
    const total = this.#count + count
    for (let c = 0; c < this.#mean.length; c++) {
      const away = means[c]! - this.#mean[c]!
      this.#squares[c]! += variances[c]! * (count - 1) + (away * away * this.#count * count) / total
      this.#mean[c]! += (away * count) / total
    }
    this.#count = total
  }

  result(): { mean: Float32Array; variance: Float32Array } {
    const variance = Float32Array.from(this.#squares, (squares) => squares / Math.max(this.#count - 1, 1))
    return { mean: Float32Array.from(this.#mean), variance }
  }
}
