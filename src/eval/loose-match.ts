import type { ImageIndex } from "./image-index.js"
import { isIgnored } from "./match-at.js"
import { overlap } from "./overlap.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** How many of the best scored detections are looked at: enough to tell, and quick. */
export const LOOSE_SAMPLE = 20_000

/** Some detections with their boxes, which may be read in another way than the table has them. */
export interface Sample {
  /** `[S]` positions in the table. */
  readonly detections: Int32Array
  /** `[S * 4]` x, y, width, height. */
  readonly boxesXywh: Float64Array
}

/** @param detections `[S]` positions in the table */
export function sampleOf(table: DetectionTable, detections: Int32Array): Sample {
  const boxesXywh = new Float64Array(detections.length * 4)
  detections.forEach((d, s) => {
    for (let i = 0; i < 4; i++) boxesXywh[s * 4 + i] = table.boxesXywh[d * 4 + i]!
  })
  return { detections, boxesXywh }
}

/**
 * For each detection of a sample, the truth of its image that it overlaps most, whatever the classes.
 * @returns `[S]` truths; -1 where none is overlapped by half
 */
export function looseMatches(
  truths: TruthTable,
  { image }: DetectionTable,
  index: ImageIndex,
  { detections, boxesXywh }: Sample,
): Int32Array {
  const matches = new Int32Array(detections.length).fill(-1)
  const { order, starts } = index.truths
  for (let s = 0; s < detections.length; s++) {
    const here = image[detections[s]!]!
    let best = 0.5
    for (let at = starts[here]!; at < starts[here + 1]!; at++) {
      const truth = order[at]!
      if (isIgnored(truths, truth)) continue
      const iou = overlap(boxesXywh, s * 4, truths.boxesXywh, truth * 4, false)
      if (iou < best) continue
      best = iou
      matches[s] = truth
    }
  }
  return matches
}

/** Share of the truths, of those in images looked at, that some detection overlaps by half. */
export function looseRecall(
  truths: TruthTable,
  { image }: DetectionTable,
  { detections }: Sample,
  matches: Int32Array,
): number {
  const lookedAt = new Uint8Array(truths.imageIds.length)
  const found = new Uint8Array(truths.image.length)
  for (let s = 0; s < detections.length; s++) {
    lookedAt[image[detections[s]!]!] = 1
    if (matches[s]! >= 0) found[matches[s]!] = 1
  }
  let asked = 0
  let right = 0
  for (let g = 0; g < truths.image.length; g++) {
    if (found[g] === 1) right++
    if (lookedAt[truths.image[g]!] === 1 && !isIgnored(truths, g)) asked++
  }
  return asked === 0 ? 0 : right / asked
}
