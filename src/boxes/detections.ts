import { concatFloat32, type Detections } from "./boxes.js"
import { takeBoxes } from "./clip.js"
import { orderByScore } from "./order.js"

/** Several lists behind each other, in no order of scores. */
export function joinDetections(lists: readonly Detections[]): Detections {
  return {
    boxes: concatFloat32(lists.map(({ boxes }) => boxes)),
    scores: concatFloat32(lists.map(({ scores }) => scores)),
    labels: Int32Array.from(lists.flatMap(({ labels }) => [...labels])),
  }
}

/** The detections at `indices`, in that order. */
export function takeDetections({ boxes, scores, labels }: Detections, indices: ArrayLike<number>): Detections {
  return {
    boxes: takeBoxes(boxes, indices),
    scores: Float32Array.from(indices, (i) => scores[i]!),
    labels: Int32Array.from(indices, (i) => labels[i]!),
  }
}

/** The `limit` best scored, best first; of equal scores the earlier one is better. */
export function bestDetections(found: Detections, limit: number): Detections {
  return takeDetections(found, orderByScore(found.scores, limit))
}

/** Those with one of the `labels`, in their order; all where none are named. */
export function ofLabels(found: Detections, labels: readonly number[] | undefined): Detections {
  if (labels === undefined) return found
  return takeDetections(
    found,
    [...found.labels.keys()].filter((d) => labels.includes(found.labels[d]!)),
  )
}

/** Those scored at least `score`, in their order. */
export function scoredAtLeast(found: Detections, score: number): Detections {
  const kept = [...found.scores.keys()].filter((d) => found.scores[d]! >= score)
  return takeDetections(found, kept)
}
