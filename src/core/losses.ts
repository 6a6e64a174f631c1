import * as tf from "@tensorflow/tfjs-core"

/**
 * Square near zero, straight beyond: 0.5 d^2 / beta where |d| < beta, else |d| - beta / 2; plain |d| for beta 0.
 * Elementwise, any shape.
 * @source Fast R-CNN, equation 3 (beta 1); beta = 1 / sigma^2 in py-faster-rcnn's words
 */
export function smoothL1(predictions: tf.Tensor, targets: tf.Tensor, beta: number): tf.Tensor {
  const distance = tf.abs(tf.sub(predictions, targets))
  if (beta === 0) return distance
  const near = tf.minimum(distance, beta)
  return tf.add(tf.div(tf.square(near), 2 * beta), tf.sub(distance, near))
}

/** Cross entropy of a logit with a target probability: max(x, 0) - x z + log(1 + exp(-|x|)), elementwise. */
export function sigmoidCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  const straight = tf.sub(tf.relu(logits), tf.mul(logits, targets))
  return tf.add(straight, tf.log1p(tf.exp(tf.neg(tf.abs(logits)))))
}

/**
 * Cross entropy of each row of logits with its label.
 * @param logits `[R, C]`
 * @param labels `[R]` int32 in 0..C-1
 * @returns `[R]`
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const hot = tf.oneHot(labels, logits.shape[1])
  return tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, hot), 1)) as tf.Tensor1D
}
