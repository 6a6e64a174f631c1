import type { Normalisation } from "../core/normalisation.js"
import type { SizeRule } from "../core/size-rule.js"

/** Part of a photo: x1, y1, x2, y2 in whole pixels of it, x2 and y2 the first ones outside. */
export type Window = readonly [x1: number, y1: number, x2: number, y2: number]

interface Sizes {
  readonly size: number
  readonly maxSize: number
  readonly sizeRule?: SizeRule
}

/** A photo as an input of a network. */
interface PhotoInput {
  /** Normalised RGB, zero where padded. */
  readonly values: Float32Array
  readonly shape: readonly [1, height: number, width: number, 3]
  /** Of the photo inside it, in input pixels. */
  readonly height: number
  readonly width: number
}

/** A photo that can be made into an input of any size, looked at mirrored, and in part. */
export interface Photo {
  readonly height: number
  readonly width: number
  /**
   * @param sizes the length of the shorter side, the most of the longer one, and how they are rounded
   * @param normalisation what is done to the values
   */
  input(sizes: Sizes, normalisation: Normalisation): PhotoInput
  part(window: Window): Photo
  mirrored(): Photo
}
