import * as tf from "@tensorflow/tfjs-core"
import type { Parameter } from "../core/parameters.js"
import { isOnCuda } from "../engine/native/op.js"
import { recorded } from "../engine/recorded.js"

/** An update of weights. @param gradients by the variables' own names; what is absent stays */
export type Update = (numbers: readonly number[], gradients: tf.NamedTensorMap) => void

/**
 * An update of all weights by what moves one of them. On CUDA it is recorded, one call for all; on a processor, where calls are
 * cheap beside what they do, it goes weight by weight, so that not all of them are there twice.
 * @param move assigns the parameter's variable and others; what it reads beside its arguments are variables
 */
export function updateOf(
  parameters: readonly Parameter[],
  move: (parameter: Parameter, gradient: tf.Tensor, numbers: readonly tf.Scalar[]) => void,
): Update {
  const moveAll = (moved: readonly Parameter[], gradients: readonly tf.Tensor[], numbers: readonly tf.Scalar[]) => {
    for (const [i, parameter] of moved.entries()) tf.tidy(() => move(parameter, gradients[i]!, numbers))
  }
  const inOneCall = recorded((numbers: tf.Tensor, ...gradients: tf.Tensor[]) => {
    const scalars = tf.split(numbers, numbers.size).map((own) => tf.reshape(own, []) as tf.Scalar)
    moveAll(parameters, gradients, scalars)
    return []
  })
  return (numbers, gradients) => {
    const moved = parameters.filter(({ variable }) => gradients[variable.name] !== undefined)
    const own = moved.map(({ variable }) => gradients[variable.name]!)
    tf.tidy(() => {
      // Made once: a number handed to an op becomes a tensor each time.
      if (isOnCuda() && moved.length === parameters.length) inOneCall(tf.tensor1d([...numbers]), ...own)
      else
        moveAll(
          moved,
          own,
          [...numbers].map((number) => tf.scalar(number)),
        )
    })
  }
}
