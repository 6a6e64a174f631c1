import { RIGHT, WRONG } from "./match-at.js"
import type { MatchedDetections } from "./matched.js"

/**
 * `[D]` how often a detection of its class with such a score is right, as a function that rises with the score
 * (isotonic regression by pooling adjacent violators); 0 for classes that are right in too few images.
 * @param leastImages a class must be right in so many images
 * @param takesPart which detections are looked at; the others have a chance of 0
 */
export function chancesOfBeingRight(
  { truths, detections, arranged, at50 }: MatchedDetections,
  leastImages: number,
  takesPart: (d: number) => boolean = () => true,
): Float64Array {
  const chance = new Float64Array(detections.scores.length)
  const { order, starts } = arranged.ranking
  for (let k = 0; k < truths.categoryIds.length; k++) {
    const judged = order
      .subarray(starts[k], starts[k + 1])
      .filter((d) => (at50.state[d] === RIGHT || at50.state[d] === WRONG) && takesPart(d))
    const images = new Set<number>()
    for (const d of judged) if (at50.state[d] === RIGHT) images.add(detections.image[d]!)
    if (images.size < leastImages) continue
    const blocks: { right: number; count: number }[] = []
    // Best score first, so that shares must not rise on the way.
    for (const d of judged) {
      let block = { right: at50.state[d] === RIGHT ? 1 : 0, count: 1 }
      for (
        let last = blocks.at(-1);
        last && last.right * block.count <= block.right * last.count;
        last = blocks.at(-1)
      ) {
        block = { right: last.right + block.right, count: last.count + block.count }
        blocks.pop()
      }
      blocks.push(block)
    }
    let at = 0
    for (const { right, count } of blocks) {
      // Laplace's rule: a few detections prove little.
      for (const end = at + count; at < end; at++) chance[judged[at]!] = (right + 1) / (count + 2)
    }
  }
  return chance
}
