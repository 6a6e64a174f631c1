import * as tf from "@tensorflow/tfjs-core"
import { takeBoxes } from "../boxes/clip.js"
import { nearestScales, type Scale } from "../roi/scales.js"

/**
 * Multi-scale testing: each region is looked at on two scales, those that bring it nearest to 224 x 224, and of the two
 * vectors the larger value of each channel counts.
 * @param regions `[R * 4]`
 * @param looks the photo at two scales or more
 * @param vectorsAt `[n, channels]`, the vectors of n regions at one of them
 * @returns `[R, channels]`
 * @source He et al. 2015, appendix B, "Multi-scale testing": RoI pooling and the layers behind it at both scales, merged by
 * maxout
 */
export function maxout<Scaled extends Scale>(
  regions: Float32Array,
  looks: readonly Scaled[],
  vectorsAt: (regions: Float32Array, look: Scaled) => tf.Tensor2D,
): tf.Tensor2D {
  const { first, second } = nearestScales(regions, looks)
  /** Where a region's vector of its first and second scale is among those of all looks. */
  const rows = [new Int32Array(first.length), new Int32Array(first.length)] as const
  let count = 0
  const vectors = looks.flatMap((look, k) => {
    const members: number[] = []
    for (let r = 0; r < first.length; r++) {
      if (first[r] !== k && second[r] !== k) continue
      rows[first[r] === k ? 0 : 1][r] = count + members.length
      members.push(r)
    }
    count += members.length
    return members.length === 0 ? [] : [vectorsAt(takeBoxes(regions, members), look)]
  })
  if (vectors.length === 0) return vectorsAt(regions, looks[0]!)
  return tf.tidy(() => {
    const all = tf.concat(vectors)
    const [a, b] = rows.map((places) => tf.gather(all, places)) as [tf.Tensor2D, tf.Tensor2D]
    return tf.maximum(a, b)
  })
}
