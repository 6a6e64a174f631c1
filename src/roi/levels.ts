import * as tf from "@tensorflow/tfjs-core"
import type { Boxes } from "../boxes/boxes.js"
import { takeBoxes } from "../boxes/clip.js"
import { boxArea } from "../boxes/iou.js"
import { inGroups } from "./groups.js"
import { type PoolingOptions, poolRegions } from "./pooling.js"

/** A region of 224 pixels square belongs to P4; regions are cut from P2 to P5. @source FPN (Lin et al. 2017), equation 1 */
const levelOptions = { canonicalSide: 224, canonicalLevel: 4, finest: 2, coarsest: 5 } as const

/** So that a side of exactly half or twice the canonical one is not lost to rounding. @source torchvision `LevelMapper` */
const epsilon = 1e-6

/**
 * Least areas, in input pixels, of the regions that belong to P3, P4 and P5: where
 * `4 + log2(sqrt(area) / 224) + epsilon` reaches 3, 4 and 5.
 */
export const levelAreas: readonly number[] = Array.from(
  { length: levelOptions.coarsest - levelOptions.finest },
  (_, i) => {
    const { canonicalSide, canonicalLevel, finest } = levelOptions
    return (canonicalSide * 2 ** (finest + 1 + i - canonicalLevel - epsilon)) ** 2
  },
)

/**
 * Which level of a pyramid box `i` is cut from: 2 (P2, the finest) to 5.
 * @param boxes `[R * 4]` x1, y1, x2, y2 in input pixels
 */
export function levelOfBox(boxes: Boxes, i: number): number {
  const area = boxArea(boxes, i)
  return levelAreas.reduce((level, least) => (area >= least ? level + 1 : level), levelOptions.finest as number)
}

/**
 * Pools each region from the level of its size; from the only one where there is one.
 * @param levels maps `[N, H, W, C]` of one stage, or P2, P3, ... of a pyramid; those beyond P5 are not used
 * @param boxes `[R * 4]` x1, y1, x2, y2 in input pixels
 * @param images `[R]` which of the N images each box is in
 * @param stride input pixels per cell of the first level; each further one has twice as many
 * @returns `[R, size, size, C]`, in the order of `boxes`
 * @source torchvision `MultiScaleRoIAlign`
 */
export function alignOnLevels(
  levels: readonly tf.Tensor4D[],
  boxes: Float32Array,
  images: Int32Array,
  stride: number,
  options: PoolingOptions,
): tf.Tensor4D {
  if (levels.length === 1 || images.length === 0) return poolRegions(levels[0]!, boxes, images, stride, options)
  const levelOf = Array.from(images, (_, i) => levelOfBox(boxes, i) - levelOptions.finest)
  return tf.tidy(() =>
    inGroups(levelOf, (members, level) => {
      const ownImages = Int32Array.from(members, (i) => images[i]!)
      return poolRegions(levels[level]!, takeBoxes(boxes, members), ownImages, stride * 2 ** level, options)
    }),
  )
}
