import * as tf from "@tensorflow/tfjs-core"
import type { ResNet } from "../backbone/classifier.js"
import type { Parameters } from "../core/parameters.js"
import { batchNormEpsilon } from "../engine/ops/batch-norm.js"
import { normOf } from "../weights/norms.js"

/** The L2 norm of a filter as He et al. 2015 initialise it: weights of variance 2 / fan-in. */
const initialFilterNorm = Math.SQRT2

/**
 * Gives batch norms that came folded into their convolutions, as a plain addition, a scale, offset and statistics of their
 * own: such that the network says the same as before, also where each batch is normalised by itself. Those of parts that do
 * not train stay as they are.
 *
 * What a norm divides by takes the size of a filter out of what the network says, but not out of how fast it learns: the
 * gradient of a filter a tenth as large is ten times as large. Filters that a norm is folded into are that small, so each
 * gets the size it has in a new network, for which learning rates are meant.
 * @param norms names such as `layer1.0.bn1`, from the image on
 * @param images `[N, H, W, 3]` normalised: those whose statistics are taken
 */
export function unfoldNorms(
  network: ResNet,
  parameters: Parameters,
  norms: readonly string[],
  images: tf.Tensor4D,
): void {
  const part = (norm: string, name: string) => parameters.get(`${norm}.${name}`)!.variable
  tf.tidy(() => {
    const factors = enlargeFilters(parameters, norms)
    const added = new Map(norms.map((norm) => [norm, tf.clone(part(norm, "bias"))]))
    // What a norm sees is right when those before it are: each pass sets one more of them right for good.
    for (const _ of norms) {
      tf.tidy(() => {
        network.train(network.frozenFeatures(images), ({ name, mean, variance }) => {
          const offset = added.get(name)
          if (offset === undefined) return
          const factor = factors.get(name)!
          part(name, "weight").assign(tf.div(tf.sqrt(tf.add(variance, batchNormEpsilon)), factor))
          part(name, "bias").assign(tf.add(offset, tf.div(mean, factor)))
          part(name, "running_mean").assign(tf.clone(mean))
          part(name, "running_var").assign(tf.clone(variance))
        })
      })
    }
  })
}

/** Makes each filter before the norms as large as a new one; by what factor `[C]`, by norm. Filters of zeros stay so. */
function enlargeFilters(parameters: Parameters, norms: readonly string[]): Map<string, tf.Tensor> {
  const factors = new Map<string, tf.Tensor>()
  for (const { name, kind, variable } of parameters) {
    const norm = kind === "conv" ? normOf(name.replace(/\.weight$/, "")) : undefined
    if (norm === undefined || !norms.includes(norm)) continue
    const size = tf.sqrt(tf.sum(tf.square(variable), [0, 1, 2]))
    const factor = tf.where(tf.equal(size, 0), tf.onesLike(size), tf.divNoNan(initialFilterNorm, size))
    variable.assign(tf.mul(variable, factor))
    factors.set(norm, factor)
  }
  return factors
}
