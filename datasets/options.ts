import type { DatasetFormat } from "./dataset.js"
import type { FaultPolicies } from "./faults.js"

/** How a data set is read. */
export interface ReadOptions {
  /**
   * Which part: VOC's `train`, `val`, `trainval`, `test`, or those of one year as in `VOC2007/test`; COCO's `train`,
   * `train2017`, ...; several with `+` between them.
   */
  readonly split: string
  /**
   * Names of the classes 1..K. Give those of the training data when reading data to score on, so that the labels mean
   * the same; a class that is not among them is an `unknown-class` fault. `null`: the classes found.
   */
  readonly classes: readonly string[] | null
  /** What to do about faults where it differs from `faultPolicies`. */
  readonly policies: Partial<FaultPolicies>
  /** `null`: recognised. */
  readonly format: DatasetFormat | null
  /**
   * What corners in VOC files mean. VOC counts pixels from 1; many tools write VOC files that count from 0. `auto` takes
   * a folder as 0-based when any xmin or ymin in it is 0.
   */
  readonly corners: "auto" | "one-based" | "zero-based"
  /** Folder of the images of a COCO file, several joined with `+`; `null`: the usual places are tried. */
  readonly images: string | null
  /** Boxes of photos that were resized after labelling: kept, scaled to the file's size, or an error. */
  readonly sizeMismatch: "keep" | "scale" | "fail"
  /** Whether links in the data folder may lead out of it. */
  readonly followLinks: boolean
}

/** @source the VOC development kit (1-based corners); torchvision's and Ultralytics' first split is `train` */
export const readDefaults: ReadOptions = {
  split: "train",
  classes: null,
  policies: {},
  format: null,
  corners: "auto",
  images: null,
  sizeMismatch: "keep",
  followLinks: false,
}
