import { overlaps } from "./coco-match.js"
import { isIgnored } from "./match-at.js"
import { counting, groupBy } from "./order.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** How many of the best scored detections are looked at: enough to tell, and quick. */
export const LOOSE_SAMPLE = 20_000

/**
 * For each detection of a sample, the truth of its image that it overlaps most, whatever the classes.
 * @param sample `[S]` positions in the table
 * @param boxesXywh `[D * 4]` in place of the table's own
 * @returns `[S]` truths; -1 where none is overlapped by half
 */
export function looseMatches(
  truths: TruthTable,
  detections: DetectionTable,
  sample: Int32Array,
  boxesXywh: Float64Array = detections.boxesXywh,
): Int32Array {
  const matches = new Int32Array(sample.length).fill(-1)
  const counted = counting(truths.image.length).filter((g) => !isIgnored(truths, g))
  const byImage = groupBy(counted, truths.image, truths.imageIds.length)
  for (let s = 0; s < sample.length; s++) {
    const d = sample[s]!
    const image = detections.image[d]!
    const here = byImage.order.subarray(byImage.starts[image], byImage.starts[image + 1])
    const ious = new Float64Array(here.length)
    overlaps(boxesXywh, Int32Array.of(d), truths.boxesXywh, here, truths.crowd, ious)
    let best = 0.5
    for (let g = 0; g < here.length; g++) {
      if (ious[g]! < best) continue
      best = ious[g]!
      matches[s] = here[g]!
    }
  }
  return matches
}

/** Share of the truths, of those in images looked at, that some detection overlaps by half. */
export function looseRecall(
  truths: TruthTable,
  detections: DetectionTable,
  sample: Int32Array,
  matches: Int32Array,
): number {
  const images = new Set<number>()
  const found = new Set<number>()
  matches.forEach((truth, s) => {
    images.add(detections.image[sample[s]!]!)
    if (truth >= 0) found.add(truth)
  })
  let asked = 0
  for (let g = 0; g < truths.image.length; g++) if (images.has(truths.image[g]!) && !isIgnored(truths, g)) asked++
  return asked === 0 ? 0 : found.size / asked
}
