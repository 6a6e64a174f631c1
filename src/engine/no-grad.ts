import * as tf from "@tensorflow/tfjs-core"

/** Does work on tensors of which the gradient tape takes no notice; none of its own outlive it. */
export function noGrad<Result>(work: () => Result): Result {
  let result: Result | undefined
  // What runs inside a custom gradient's forward pass is not recorded, and nothing ever asks for this one's gradient.
  tf.customGrad(() => {
    result = work()
    return { value: tf.scalar(0), gradFunc: () => [] }
  })().dispose()
  return result as Result
}
