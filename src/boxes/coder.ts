import { type Boxes, boxCount } from "./boxes.js"

/** What each delta is multiplied with: targets of unit size for the network. */
export interface CoderWeights {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** @source Faster R-CNN: the RPN's deltas are not scaled */
export const rpnCoderWeights: CoderWeights = { x: 1, y: 1, width: 1, height: 1 }

/** @source py-faster-rcnn BBOX_NORMALIZE_STDS (0.1, 0.1, 0.2, 0.2), as in torchvision and detectron2 */
export const roiCoderWeights: CoderWeights = { x: 10, y: 10, width: 5, height: 5 }

/** A box may grow to 1000 pixels from an anchor of 16 at most. @source Detectron BBOX_XFORM_CLIP */
export const maxLogScale = Math.log(1000 / 16)

/**
 * Deltas that turn each reference into its truth: dx = wx (gx - px) / pw, dw = ww log(gw / pw), with centres gx, px.
 * @param truths `[R * 4]` x1, y1, x2, y2
 * @param references `[R * 4]` of positive size, same frame
 * @returns `[R * 4]` dx, dy, dw, dh
 */
export function encodeBoxes(truths: Boxes, references: Boxes, weights: CoderWeights): Float32Array {
  const deltas = new Float32Array(references.length)
  for (let at = 0; at < references.length; at += 4) {
    const width = references[at + 2]! - references[at]!
    const height = references[at + 3]! - references[at + 1]!
    const truthWidth = truths[at + 2]! - truths[at]!
    const truthHeight = truths[at + 3]! - truths[at + 1]!
    deltas[at] = (weights.x * (truths[at]! + truthWidth / 2 - references[at]! - width / 2)) / width
    deltas[at + 1] = (weights.y * (truths[at + 1]! + truthHeight / 2 - references[at + 1]! - height / 2)) / height
    deltas[at + 2] = weights.width * Math.log(truthWidth / width)
    deltas[at + 3] = weights.height * Math.log(truthHeight / height)
  }
  return deltas
}

/**
 * Moves and scales each reference by its delta; dw and dh are cut at `maxLogScale`.
 * @param deltas holds R deltas; delta r begins at `offset + r * stride`, so that a class's slice needs no copy
 * @param references `[R * 4]` x1, y1, x2, y2
 * @returns `[R * 4]` in the references' frame, not clipped to the image
 */
export function decodeBoxes(
  deltas: Float32Array,
  references: Boxes,
  weights: CoderWeights,
  { offset = 0, stride = 4 }: { offset?: number; stride?: number } = {},
): Float32Array {
  const boxes = new Float32Array(references.length)
  for (let r = 0; r < boxCount(references); r++) {
    const at = 4 * r
    const from = offset + r * stride
    const width = references[at + 2]! - references[at]!
    const height = references[at + 3]! - references[at + 1]!
    const centreX = references[at]! + width / 2 + (deltas[from]! / weights.x) * width
    const centreY = references[at + 1]! + height / 2 + (deltas[from + 1]! / weights.y) * height
    const halfWidth = (width / 2) * Math.exp(Math.min(deltas[from + 2]! / weights.width, maxLogScale))
    const halfHeight = (height / 2) * Math.exp(Math.min(deltas[from + 3]! / weights.height, maxLogScale))
    boxes[at] = centreX - halfWidth
    boxes[at + 1] = centreY - halfHeight
    boxes[at + 2] = centreX + halfWidth
    boxes[at + 3] = centreY + halfHeight
  }
  return boxes
}
