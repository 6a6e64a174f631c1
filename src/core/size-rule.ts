/**
 * How the size of an input follows from a photo's. All scale the shorter side to `size`, unless the longer one would pass
 * `maxSize`; they differ in how they round, by a pixel.
 * - `exact`: down, of exact quotients
 * - `torchvision`: down, of a product of floating-point numbers, which may lie just below the whole number
 * - `detectron2`: to the nearest
 * - `paper`: to the nearest, halves to the even one
 */
export type SizeRule = (typeof sizeRules)[number]

/** The longest that the shorter side of an input may be: its first feature maps alone take gigabytes. */
export const largestSide = 8192

export const sizeRules = ["exact", "torchvision", "detectron2", "paper"] as const
