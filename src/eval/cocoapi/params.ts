import { UsageError } from "../../core/errors.js"
import { cocoDefaults } from "../coco-options.js"
import type { CocoId } from "./records.js"

/** What `COCOeval` evaluates and how; set the fields before `evaluate`. @source pycocotools cocoeval.py, class Params */
export class Params {
  readonly iouType: "bbox"
  /** Images to evaluate; `COCOeval` sets all of the ground truth. */
  imgIds: CocoId[] = []
  /** Categories to evaluate; `COCOeval` sets all of the ground truth. */
  catIds: CocoId[] = []
  iouThrs: number[] = [...cocoDefaults.iouThresholds]
  recThrs: number[] = [...cocoDefaults.recallThresholds]
  /** How many of the best detections of an image (and category) count. */
  maxDets: number[] = [...cocoDefaults.maxDetections]
  /** Square pixels, both ends inside. */
  areaRng: [number, number][] = cocoDefaults.areaRanges.map(({ from, to }) => [from, to])
  areaRngLbl: string[] = cocoDefaults.areaRanges.map(({ name }) => name)
  /** 0 takes all categories for one, as for proposals. */
  useCats: 0 | 1 | boolean = 1

  /** @throws UsageError for "segm" and "keypoints" */
  constructor(iouType = "bbox") {
    if (iouType !== "bbox") {
      const known = iouType === "segm" || iouType === "keypoints"
      throw new UsageError(
        `COCOeval: expected iouType "bbox", got "${iouType}"${known ? "; masks and keypoints are not evaluated" : ""}`,
      )
    }
    this.iouType = "bbox"
  }
}
