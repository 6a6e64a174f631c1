import { boxArea } from "../boxes/iou.js"

/** The side of a square region, in input pixels, that a scale fits best. @source SPP-net and Fast R-CNN: 224 x 224 */
const canonicalSide = 224

/** How many input pixels a pixel has at one scale. */
export interface Scale {
  readonly scaleX: number
  readonly scaleY: number
}

/**
 * The two scales at which each region's area comes nearest to 224 x 224. Areas grow with the scales, so they are
 * adjacent ones; the nearer comes first, of equally near ones the earlier scale.
 * @param regions `[R * 4]`
 * @param scales two or more
 * @returns `[R]` each, places in `scales`
 * @source He et al. 2015, appendix B, "Multi-scale testing", has two adjacent scales and no rule; the rule is that of
 * py-faster-rcnn `_project_im_rois`, which takes the nearest one
 */
export function nearestScales(
  regions: Float32Array,
  scales: readonly Scale[],
): { readonly first: Int32Array; readonly second: Int32Array } {
  const count = regions.length / 4
  const [first, second] = [new Int32Array(count), new Int32Array(count)]
  for (let r = 0; r < count; r++) {
    const area = boxArea(regions, r)
    const distances = scales.map(({ scaleX, scaleY }) => Math.abs(area * scaleX * scaleY - canonicalSide ** 2))
    const order = [...scales.keys()].sort((a, b) => distances[a]! - distances[b]! || a - b)
    first[r] = order[0]!
    second[r] = order[1]!
  }
  return { first, second }
}
