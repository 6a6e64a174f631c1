import * as tf from "@tensorflow/tfjs-core"

type ConvInfo = tf.backend_util.Conv2DInfo

/** At most this many values of shifted input at once, about 64 MB: larger maps are multiplied a few filter taps at a time. */
const valuesAtOnce = 2 ** 24

/**
 * The gradient of a convolution for its filter, as matrix products: for each tap the input shifted by that tap, channel
 * by channel, times the gradient of the output.
 * @param x [N, H, W, I]
 * @param dy [N, h, w, O]
 * @returns [kh, kw, I, O]
 */
export function convFilterGradient(x: tf.Tensor4D, dy: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inChannels, outChannels, strideHeight, strideWidth } = info
  const [batch, height, width] = dy.shape
  const positions = batch * height * width
  const taps = filterHeight * filterWidth
  const atOnce = Math.max(1, Math.floor(valuesAtOnce / Math.max(1, positions * inChannels)))
  return tf.tidy(() => {
    const { top, bottom, left, right } = info.padInfo
    const padded = tf.pad(x, [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ])
    const planes = tf.transpose(padded, [3, 0, 1, 2])
    const flat = tf.reshape(dy, [positions, outChannels])
    const shifted = (tap: number) => {
      const row = Math.floor(tap / filterWidth)
      const column = tap % filterWidth
      const end = [row + (height - 1) * strideHeight + 1, column + (width - 1) * strideWidth + 1] as const
      const part =
        strideHeight === 1 && strideWidth === 1
          ? tf.slice(planes, [0, 0, row, column], [inChannels, batch, height, width])
          : tf.stridedSlice(planes, [0, 0, row, column], [inChannels, batch, ...end], [1, 1, strideHeight, strideWidth])
      return tf.reshape(part, [inChannels, positions])
    }
    const products: tf.Tensor2D[] = []
    for (let first = 0; first < taps; first += atOnce) {
      const count = Math.min(atOnce, taps - first)
      products.push(
        tf.tidy(() => {
          const group = Array.from({ length: count }, (_, index) => shifted(first + index))
          return tf.matMul(tf.concat(group, 0), flat)
        }) as tf.Tensor2D,
      )
    }
    return tf.reshape(tf.concat(products, 0), [filterHeight, filterWidth, inChannels, outChannels])
  })
}

/**
 * The gradient of a convolution for its input: a convolution of the output's gradient, spread out by the stride, with the
 * filter turned round. The padding must be smaller than the filter.
 * @param dy [N, h, w, O]
 * @param filter [kh, kw, I, O]
 * @returns [N, H, W, I]
 */
export function convInputGradient(dy: tf.Tensor4D, filter: tf.Tensor4D, info: ConvInfo): tf.Tensor4D {
  const { filterHeight, filterWidth, inHeight, inWidth, strideHeight, strideWidth, padInfo } = info
  return tf.tidy(() => {
    const stride: Pair = [strideHeight, strideWidth]
    const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]) as tf.Tensor4D
    const before: Pair = [filterHeight - 1 - padInfo.top, filterWidth - 1 - padInfo.left]
    const size: Pair = [inHeight + filterHeight - 1, inWidth + filterWidth - 1]
    // One tap mixes no positions: fewer are multiplied when they are spread out afterwards.
    if (filterHeight === 1 && filterWidth === 1) return place(tf.conv2d(dy, turned, 1, "valid"), stride, before, size)
    return tf.conv2d(place(dy, stride, before, size), turned, 1, "valid")
  })
}

type Pair = readonly [vertical: number, horizontal: number]

/** A zero map of `size` with the cells of `x` in it, `stride` apart, the first at `before`; what falls outside is cut. */
function place(x: tf.Tensor4D, stride: Pair, before: Pair, size: Pair): tf.Tensor4D {
  const spread = spreadOut(x, stride)
  const rows = Math.min(spread.shape[1], size[0] - before[0])
  const columns = Math.min(spread.shape[2], size[1] - before[1])
  const cut = tf.slice(spread, [0, 0, 0, 0], [spread.shape[0], rows, columns, spread.shape[3]])
  return tf.pad(cut, [
    [0, 0],
    [before[0], size[0] - before[0] - rows],
    [before[1], size[1] - before[1] - columns],
    [0, 0],
  ])
}

/** [N, h, w, C] -> [N, h * rows, w * columns, C], each cell followed by zeros. */
function spreadOut(x: tf.Tensor4D, [rows, columns]: Pair): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape
  const wide =
    columns === 1
      ? x
      : tf.concat(
          [
            tf.reshape(x, [batch * height * width, channels]),
            tf.zeros<tf.Rank.R2>([batch * height * width, (columns - 1) * channels]),
          ],
          1,
        )
  const line = width * columns * channels
  const tall =
    rows === 1
      ? wide
      : tf.concat(
          [tf.reshape(wide, [batch * height, line]), tf.zeros<tf.Rank.R2>([batch * height, (rows - 1) * line])],
          1,
        )
  return tf.reshape(tall, [batch, height * rows, width * columns, channels])
}
