import type { RegionPredictor } from "../../src/detector/region-predictor.js"
import type { Predictions } from "../../src/roi/predictions.js"

/** Predictions of one class: a score and a box a region. */
export function ofOneClass(scores: readonly number[], boxes: readonly number[]): Predictions {
  return {
    numLabels: 2,
    scores: Float32Array.from(scores.flatMap((score) => [1 - score, score])),
    boxes: Float32Array.from(scores.flatMap((_, r) => [0, 0, 0, 0, ...boxes.slice(4 * r, 4 * r + 4)])),
  }
}

/** Proposes `regions` and says of any region that it is class 1 with `score`, its box moved right by `shift`. */
export function madeUpPredictor(regions: readonly number[], score: number, shift = 0) {
  const asked: number[][] = []
  const predictor: RegionPredictor = {
    propose: async () => Float32Array.from(regions),
    async predict(boxes) {
      asked.push([...boxes])
      const moved = [...boxes].map((value, at) => (at % 2 === 0 ? value + shift : value))
      return ofOneClass(new Array(boxes.length / 4).fill(score), moved)
    },
    dispose() {},
  }
  return { predictor, asked }
}
