import * as tf from "@tensorflow/tfjs-core"

/**
 * A convolution of stride 1 whose window takes only every `dilation`-th cell, as an ordinary one: cells that meet in a
 * window lie a multiple of `dilation` apart, so the map falls into `dilation` x `dilation` maps that do not mix. They run
 * as one batch, whose kernels and gradients every engine has.
 * @param x `[N, H, W, in]`
 * @param padding zeros on each of the four sides
 * @param convolve the ordinary convolution, without padding: `[M, h, w, in]` to `[M, h - kh + 1, w - kw + 1, out]`
 * @returns `[N, H + 2 padding - dilation (kh - 1), ..., out]`
 */
export function dilated(
  x: tf.Tensor4D,
  { dilation, padding }: { readonly dilation: number; readonly padding: number },
  convolve: (parts: tf.Tensor4D) => tf.Tensor4D,
): tf.Tensor4D {
  const [, height, width] = x.shape
  /** Zeros more at the end, so that all parts are of one size; what they make is cut off. */
  const over = [height, width].map(
    (length) => Math.ceil((length + 2 * padding) / dilation) * dilation - length - 2 * padding,
  )
  return tf.tidy(() => {
    const parts = tf.spaceToBatchND(
      x,
      [dilation, dilation],
      over.map((more) => [padding, padding + more]),
    )
    return tf.batchToSpaceND(
      convolve(parts),
      [dilation, dilation],
      over.map((more) => [0, more]),
    )
  })
}
