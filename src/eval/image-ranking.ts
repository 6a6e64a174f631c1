import { shownImageId } from "./find-image.js"
import { isIgnored, type MatchesAt, RIGHT, WRONG } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"

/** How one image fared with the detections from a score threshold on. */
export interface ImageScore {
  readonly imageId: number | string
  readonly name: string
  readonly right: number
  readonly wrong: number
  readonly missed: number
  /** 2 * right / (2 * right + wrong + missed). */
  readonly f1: number
}

/** The images in order of F1, of equal F1 the one with more at stake first; those without anything are left out. */
export function rankImages(
  truths: TruthTable,
  detections: DetectionTable,
  matches: MatchesAt,
  scoreThreshold: number,
  most: number,
): { best: ImageScore[]; worst: ImageScore[] } {
  const images = truths.imageIds.length
  const [right, wrong, asked] = [new Int32Array(images), new Int32Array(images), new Int32Array(images)]
  for (let g = 0; g < truths.image.length; g++) if (!isIgnored(truths, g)) asked[truths.image[g]!]!++
  for (let d = 0; d < matches.state.length; d++) {
    if (detections.scores[d]! < scoreThreshold) continue
    if (matches.state[d] === RIGHT) right[detections.image[d]!]!++
    else if (matches.state[d] === WRONG) wrong[detections.image[d]!]!++
  }
  const scored: ImageScore[] = []
  for (let i = 0; i < images; i++) {
    const f1 = (2 * right[i]!) / (right[i]! + wrong[i]! + asked[i]!)
    if (Number.isNaN(f1)) continue
    scored.push({
      imageId: shownImageId(truths, i),
      name: truths.imageNames[i]!,
      right: right[i]!,
      wrong: wrong[i]!,
      missed: asked[i]! - right[i]!,
      f1,
    })
  }
  const errors = (image: ImageScore) => image.wrong + image.missed
  return {
    best: [...scored].sort((a, b) => b.f1 - a.f1 || b.right - a.right).slice(0, most),
    worst: [...scored].sort((a, b) => a.f1 - b.f1 || errors(b) - errors(a)).slice(0, most),
  }
}
