import { concatFloat32 } from "../boxes/boxes.js"
import type { Predictions } from "../roi/predictions.js"
import type { RegionPredictor } from "./region-predictor.js"

/**
 * Several predictors as one: their proposals together, and of every region the mean of what they say, scores and boxes.
 * @source He et al. 2015, appendix B, "Ensemble": the union of proposals, an ensemble of per-region classifiers
 */
export function ensemble(members: readonly RegionPredictor[]): RegionPredictor {
  const [first, ...others] = members
  if (others.length === 0) return first!
  return {
    propose: async () => concatFloat32(await inTurn(members, (member) => member.propose())),
    predict: async (regions) => meanPredictions(await inTurn(members, (member) => member.predict(regions))),
    dispose() {
      for (const member of members) member.dispose()
    },
  }
}

/** One after the other: together they would only take more memory. */
async function inTurn<Item, Result>(items: readonly Item[], ask: (item: Item) => Promise<Result>): Promise<Result[]> {
  const answers: Result[] = []
  for (const item of items) answers.push(await ask(item))
  return answers
}

function meanPredictions(predictions: readonly Predictions[]): Predictions {
  const mean = (of: (one: Predictions) => Float32Array) =>
    of(predictions[0]!).map((_, at) => predictions.reduce((sum, one) => sum + of(one)[at]!, 0) / predictions.length)
  return {
    numLabels: predictions[0]!.numLabels,
    scores: mean(({ scores }) => scores),
    boxes: mean(({ boxes }) => boxes),
  }
}
