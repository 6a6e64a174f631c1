import type { Random } from "../../src/core/random.js"

/** What happens to a training image beside its mirroring: chances in 0..1, and by how much things are scaled. */
export interface AugmentOptions {
  /** Four images in one, and two through each other; `mixing` says whether the epoch has them. */
  readonly mosaic: number
  readonly mixUp: number
  readonly zoomOut: number
  readonly iouCrop: number
  readonly scale: readonly [low: number, high: number]
  readonly colour: number
  readonly verticalFlip: number
}

/** How strongly, in one word. */
export const augmentLevels = ["none", "light", "strong"] as const
export type AugmentLevel = (typeof augmentLevels)[number]

const none: AugmentOptions = {
  ...{ mosaic: 0, mixUp: 0, zoomOut: 0, iouCrop: 0, scale: [1, 1], colour: 0, verticalFlip: 0 },
}

/**
 * - `light`: colours as torchvision's `RandomPhotometricDistort`, scales as detectron2's sides of 640 to 800 differ
 * - `strong`: torchvision's preset `ssd` (colours, zoom-out of half of the images, IoU crop), and ours: half of the images in
 * mosaics, a seventh mixed. Ultralytics has all of them in mosaics and none mixed, YOLOX all of both
 */
export const augmentPresets: Readonly<Record<AugmentLevel, AugmentOptions>> = {
  none,
  light: { ...none, scale: [0.8, 1.25], colour: 1 },
  strong: { ...none, mosaic: 0.5, mixUp: 0.15, zoomOut: 0.5, iouCrop: 1, scale: [0.8, 1.25], colour: 1 },
}

/** Whether anything happens at all. */
export const isAugmenting = ({ scale, ...chances }: AugmentOptions): boolean =>
  scale[0] !== 1 || scale[1] !== 1 || Object.values(chances).some((chance) => chance > 0)

/** How many other images a scene is made of, by its first draw: 3 for a mosaic, 1 to be mixed with, 0. */
export function drawPartners({ mosaic: four, mixUp: two }: AugmentOptions, random: Random): number {
  const chance = random.uniform()
  if (chance < four) return 3
  return chance < four + two ? 1 : 0
}
