import * as tf from "@tensorflow/tfjs-core"
import { maxLogScale } from "../boxes/coder.js"
import type { Size } from "../core/shapes.js"
import { gatherOnDevice } from "../engine/ops/gather-on-device.js"
import { type AnchorLevel, cellAnchors } from "./anchors.js"
import type { RpnOutputs } from "./head.js"
import type { ProposalOptions } from "./proposals.js"

/**
 * What `proposeBoxes` does, on the device that the RPN's outputs are on: of a pyramid at 800 pixels 4 MB an image would have
 * to be read for it, of its result 32 kB. Boxes are float32 throughout, where plain arrays have float64 in between: they
 * differ in rounding, and so may, rarely, which of two boxes stays.
 * @param levels how anchors are spread, see `anchorLevels`
 * @param limits of the N images, see `imageLimits`: values, so that what is recorded for images holds for others
 * @returns `[N, 1 + P * 4]`: how many boxes there are, then the boxes, best first, and zeros; P is `postNmsTopN`,
 *   or the number of anchors that are looked at
 */
export function proposeOnDevice(
  outputs: RpnOutputs,
  levels: readonly AnchorLevel[],
  limits: tf.Tensor3D,
  options: ProposalOptions,
): tf.Tensor2D {
  return tf.tidy(() => {
    const found = bestOfLevels(outputs, levels, options.preNmsTopN)
    const moved = decode(found.references, found.deltas)
    const boxes = tf.minimum(tf.maximum(moved, 0), limits)
    const isLarge = tf.greaterEqual(tf.min(sidesOf(boxes), -1), options.minSide)
    const scores = tf.where(isLarge, found.scores, Number.NEGATIVE_INFINITY)
    // Boxes of different levels do not suppress each other: each level is moved beside the others.
    const apart = levels.length === 1 ? boxes : tf.add(boxes, levelShifts(found.counts, limits))
    const rows = Array.from({ length: limits.shape[0] }, (_, n) =>
      tf.reshape(suppressed(n, boxes, apart, scores, options), [1, -1]),
    )
    return tf.concat(rows) as tf.Tensor2D
  })
}

/** The largest x and y, twice, of boxes of each of N images `[N, 1, 4]`. @param sizes `[height, width]` inside its padded input */
export const imageLimits = (sizes: readonly Size[]): tf.Tensor3D =>
  tf.tensor3d(
    sizes.flatMap(([height, width]) => [width, height, width, height]),
    [sizes.length, 1, 4],
  )

/** Each image's proposals `[P * 4]` out of `proposeOnDevice`'s values. */
export function unpackProposals(packed: tf.Tensor2D): Float32Array[] {
  const [count, length] = packed.shape
  const values = packed.dataSync<"float32">()
  return Array.from({ length: count }, (_, n) => {
    const from = n * length + 1
    return values.slice(from, from + 4 * values[from - 1]!)
  })
}

/** The best anchors of each level, level after level: `[N, K]` scores, `[N, K, 4]` deltas and anchors; K of each level. */
function bestOfLevels({ logits, deltas }: RpnOutputs, levels: readonly AnchorLevel[], most: number) {
  const images = logits.shape[0]
  let from = 0
  const best = levels.map((level) => {
    const perCell = cellAnchors(level.options).length / 4
    const count = level.cells[0] * level.cells[1] * perCell
    const { values, indices } = tf.topk(tf.slice(logits, [0, from], [images, count]), Math.min(most, count))
    const own = gatherOnDevice(tf.slice(deltas, [0, from, 0], [images, count, 4]), indices, { batched: true })
    from += count
    return { scores: values, deltas: own, references: anchorsAt(indices, level) }
  })
  const joined = (part: "scores" | "deltas" | "references") =>
    tf.concat(
      best.map((own) => own[part]),
      1,
    )
  const counts = best.map(({ scores }) => scores.shape[1]!)
  return { scores: joined("scores"), deltas: joined("deltas"), references: joined("references"), counts }
}

/**
 * The anchors `[N, K, 4]` at indices `[N, K]` of a level. Indices are float32 on the way: whole numbers below 2^24 are exact,
 * half a number is added so that no quotient is rounded across a whole one, and GPUs have no arithmetic of int32.
 */
function anchorsAt(indices: tf.Tensor, { options, strides, cells }: AnchorLevel): tf.Tensor {
  const shapes = cellAnchors(options)
  const perCell = shapes.length / 4
  const places = tf.cast(indices, "float32")
  const cell = wholes(places, perCell)
  const row = wholes(cell, cells[1])
  const anchor = tf.cast(tf.sub(places, tf.mul(cell, perCell)), "int32")
  const [y, x] = [tf.mul(row, strides[0]), tf.mul(tf.sub(cell, tf.mul(row, cells[1])), strides[1])]
  return tf.add(gatherOnDevice(tf.tensor2d(shapes, [perCell, 4]), anchor), tf.stack([x, y, x, y], -1))
}

const wholes = (numbers: tf.Tensor, by: number): tf.Tensor => tf.floor(tf.div(tf.add(numbers, 0.5), by))

/** As `decodeBoxes` with the RPN's weights. */
function decode(references: tf.Tensor, deltas: tf.Tensor): tf.Tensor {
  const [low] = tf.split(references, 2, -1)
  const [move, stretch] = tf.split(deltas, 2, -1)
  const sides = sidesOf(references)
  const centres = tf.add(tf.add(low!, tf.mul(sides, 0.5)), tf.mul(move!, sides))
  const halves = tf.mul(tf.mul(sides, 0.5), tf.exp(tf.minimum(stretch!, maxLogScale)))
  return tf.concat([tf.sub(centres, halves), tf.add(centres, halves)], -1)
}

/** Widths and heights `[..., 2]` of boxes `[..., 4]`. */
function sidesOf(boxes: tf.Tensor): tf.Tensor {
  const [low, high] = tf.split(boxes, 2, -1)
  return tf.sub(high!, low!)
}

/** `[K, 1]`, for each level one more than the largest side of the images more than for the one before. */
function levelShifts(counts: readonly number[], limits: tf.Tensor3D): tf.Tensor {
  const beside = tf.add(tf.max(limits), 1)
  return tf.mul(tf.concat(counts.map((count, level) => tf.fill([count, 1], level))), beside)
}

/** An image's number of proposals and these themselves, one after the other `[1 + P * 4]`. */
function suppressed(
  n: number,
  boxes: tf.Tensor,
  apart: tf.Tensor,
  scores: tf.Tensor,
  { nmsThreshold, postNmsTopN }: ProposalOptions,
): tf.Tensor {
  const of = (values: tf.Tensor) => tf.squeeze(tf.slice(values, n, 1), [0])
  const most = Math.min(postNmsTopN, boxes.shape[1]!)
  const { selectedIndices, validOutputs } = tf.image.nonMaxSuppressionPadded(
    of(apart) as tf.Tensor2D,
    of(scores) as tf.Tensor1D,
    most,
    nmsThreshold,
    leastScore,
    true,
  )
  const count = tf.reshape(tf.cast(validOutputs!, "float32"), [1])
  const isThere = tf.less(tf.range(0, most), count)
  const chosen = tf.mul(gatherOnDevice(of(boxes), selectedIndices!), tf.cast(tf.expandDims(isThere, 1), "float32"))
  return tf.concat([count, tf.reshape(chosen, [-1])])
}

/** Above the lowest of all numbers, at which TensorFlow would not look at scores, and below every score but -Infinity. */
const leastScore = -3e38
