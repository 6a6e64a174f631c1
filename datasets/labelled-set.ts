import type { Fault } from "./dataset.js"
import type { RgbImage } from "./image/rgb.js"

/** A classification set: pictures with one class each. */
export interface LabelledSet {
  readonly format: "folder" | "cifar10" | "ilsvrc" | "webdataset"
  /** Where it was read from. */
  readonly source: string
  readonly split: string
  /** Names of the classes 0..K-1. */
  readonly classes: readonly string[]
  /** `[N]` 0..K-1. */
  readonly labels: Int32Array
  /** What an image is called in messages and result files: its path from the source, or its place in the file. */
  name(index: number): string
  /**
   * An image as it is stored, upright.
   * @throws DataError naming the file when it cannot be decoded
   */
  image(index: number): Promise<RgbImage>
  /** What was found wrong while reading, and what was done about it. */
  readonly faults: readonly Fault[]
  /** What the reader decided by itself, one line each. */
  readonly notices?: readonly string[]
}

/** How a classification set is read. */
export interface LabelledOptions {
  /** Which part: `train`, `val`; CIFAR-10 calls the latter `test`. */
  readonly split: string
  /** Names of the classes 0..K-1, such as a trained classifier's; `null`: those found. */
  readonly classes: readonly string[] | null
  /** Whether links in the data folder may lead out of it. */
  readonly followLinks: boolean
}

export const labelledDefaults: LabelledOptions = { split: "train", classes: null, followLinks: false }
