import * as tf from "@tensorflow/tfjs-core"
import type { ResNet } from "../backbone/classifier.js"
import type { Parameters } from "../core/parameters.js"
import { batchNormEpsilon } from "../engine/ops/batch-norm.js"

/**
 * Gives batch norms that came folded into their convolutions, as a plain addition, a scale, offset and statistics of their
 * own: such that the network says the same as before, also where each batch is normalised by itself. Those of parts that do
 * not train stay as they are.
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
    const added = new Map(norms.map((norm) => [norm, tf.clone(part(norm, "bias"))]))
    // What a norm sees is right when those before it are: each pass sets one more of them right for good.
    for (const _ of norms) {
      tf.tidy(() => {
        network.train(network.frozenFeatures(images), ({ name, mean, variance }) => {
          const offset = added.get(name)
          if (offset === undefined) return
          part(name, "weight").assign(tf.sqrt(tf.add(variance, batchNormEpsilon)))
          part(name, "bias").assign(tf.add(offset, mean))
          part(name, "running_mean").assign(tf.clone(mean))
          part(name, "running_var").assign(tf.clone(variance))
        })
      })
    }
  })
}
