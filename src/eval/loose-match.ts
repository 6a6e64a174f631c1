import { overlaps } from "./coco-match.js"
import { isIgnored } from "./match-at.js"
import { byScore, counting, groupBy } from "./order.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** How many of the best scored detections are looked at: enough to tell, and quick. */
const SAMPLE = 20_000

/**
 * For each of the best scored detections, the truth of its image that it overlaps most, whatever the classes.
 * @param boxesXywh `[D * 4]` in place of the table's own
 * @returns `[D]` truth by detection; -1 where none is overlapped by half, -2 where not looked at
 */
export function looseMatches(
  truths: TruthTable,
  detections: DetectionTable,
  boxesXywh: Float64Array = detections.boxesXywh,
): Int32Array {
  const matches = new Int32Array(detections.image.length).fill(-2)
  const counted = counting(truths.image.length).filter((g) => !isIgnored(truths, g))
  const byImage = groupBy(counted, truths.image, truths.imageIds.length)
  for (const d of byScore(counting(detections.scores.length), detections.scores).subarray(0, SAMPLE)) {
    const image = detections.image[d]!
    const here = byImage.order.subarray(byImage.starts[image], byImage.starts[image + 1])
    const ious = new Float64Array(here.length)
    overlaps(boxesXywh, Int32Array.of(d), truths.boxesXywh, here, truths.crowd, ious)
    let best = 0.5
    matches[d] = -1
    for (let g = 0; g < here.length; g++) {
      if (ious[g]! < best) continue
      best = ious[g]!
      matches[d] = here[g]!
    }
  }
  return matches
}

/** Share of the truths, of those in images looked at, that some detection overlaps by half. */
export function looseRecall(truths: TruthTable, detections: DetectionTable, matches: Int32Array): number {
  const images = new Set<number>()
  const found = new Set<number>()
  matches.forEach((truth, d) => {
    if (truth > -2) images.add(detections.image[d]!)
    if (truth >= 0) found.add(truth)
  })
  let asked = 0
  for (let g = 0; g < truths.image.length; g++) if (images.has(truths.image[g]!) && !isIgnored(truths, g)) asked++
  return asked === 0 ? 0 : found.size / asked
}
