import * as tf from "@tensorflow/tfjs-core"
import type { Boxes } from "../boxes/boxes.js"
import { takeBoxes } from "../boxes/clip.js"
import { boxArea } from "../boxes/iou.js"
import { isOnCuda } from "../engine/native/op.js"
import { alignOnDevice, numbersOfRegion } from "./device-align.js"
import { inGroups } from "./groups.js"
import { type PoolingOptions, poolRegions } from "./pooling.js"

/** A region of 224 pixels square belongs to the level of stride 16, the paper's P4. @source FPN (Lin et al. 2017), equation 1 */
const canonical = { side: 224, stride: 16 } as const

/** Regions are cut from levels up to this stride, the paper's P5. */
const coarsestStride = 32

/** So that a side of exactly half or twice the canonical one is not lost to rounding. @source torchvision `LevelMapper` */
const epsilon = 1e-6

/**
 * Least areas, in input pixels, of the regions that belong to each level but the finest: for P3, P4 and P5 where
 * `4 + log2(sqrt(area) / 224) + epsilon` reaches 3, 4 and 5. Levels beyond a stride of 32 have none.
 * @param strides of all levels, finest first
 */
export function levelAreas(strides: readonly number[]): number[] {
  const cut = strides.slice(1).filter((stride) => stride <= coarsestStride)
  return cut.map((stride) => (canonical.side * 2 ** (Math.log2(stride / canonical.stride) - epsilon)) ** 2)
}

/**
 * Which level box `i` is cut from, 0 for the finest.
 * @param boxes `[R * 4]` x1, y1, x2, y2 in input pixels
 * @param areas `levelAreas`
 */
export function levelOfBox(boxes: Boxes, i: number, areas: readonly number[]): number {
  const area = boxArea(boxes, i)
  return areas.reduce((level, least) => (area >= least ? level + 1 : level), 0)
}

/**
 * Pools each region from the level of its size; from the only one where there is one.
 * @param levels maps `[N, H, W, C]` of one stage, or P2, P3, ... of a pyramid; those beyond a stride of 32 are not used
 * @param boxes `[R * 4]` x1, y1, x2, y2 in input pixels
 * @param images `[R]` which of the N images each box is in
 * @param strides input pixels per cell of each level
 * @returns `[R, size, size, C]`, in the order of `boxes`
 * @source torchvision `MultiScaleRoIAlign`
 */
export function alignOnLevels(
  levels: readonly tf.Tensor4D[],
  boxes: Float32Array,
  images: Int32Array,
  strides: readonly number[],
  options: PoolingOptions,
): tf.Tensor4D {
  if (images.length > 0 && alignsOnDevice(options)) {
    return tf.tidy(() => alignOnDevice(levels, regionsOnDevice(boxes, images, strides), strides, options))
  }
  if (levels.length === 1 || images.length === 0) return poolRegions(levels[0]!, boxes, images, strides[0]!, options)
  const areas = levelAreas(strides)
  const levelOf = Array.from(images, (_, i) => levelOfBox(boxes, i, areas))
  return tf.tidy(() =>
    inGroups(levelOf, (members, level) => {
      const ownImages = Int32Array.from(members, (i) => images[i]!)
      return poolRegions(levels[level]!, takeBoxes(boxes, members), ownImages, strides[level]!, options)
    }),
  )
}

/** Whether regions are pooled by their values on the device: on CUDA, where shapes do not depend on them; see `alignOnDevice`. */
export const alignsOnDevice = ({ operator, samplingRatio }: PoolingOptions): boolean =>
  isOnCuda() && operator === "align" && samplingRatio > 0

/** Regions as `alignOnDevice` takes them. */
export function regionsOnDevice(boxes: Float32Array, images: Int32Array, strides: readonly number[]): tf.Tensor2D {
  const areas = levelAreas(strides)
  const numbers = new Float32Array(numbersOfRegion * images.length)
  for (const [i, image] of images.entries()) {
    numbers.set(boxes.subarray(4 * i, 4 * i + 4), numbersOfRegion * i)
    numbers.set([image, levelOfBox(boxes, i, areas)], numbersOfRegion * i + 4)
  }
  return tf.tensor2d(numbers, [images.length, numbersOfRegion])
}
