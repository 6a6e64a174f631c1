import { type Rule, withDefaults } from "../core/options.js"

export interface AreaRange {
  readonly name: string
  /** Square pixels; both ends belong to the range. */
  readonly from: number
  readonly to: number
}

export interface CocoOptions {
  /** Ascending, at most 32. */
  readonly iouThresholds: readonly number[]
  /** Ascending. */
  readonly recallThresholds: readonly number[]
  readonly areaRanges: readonly AreaRange[]
  /** Ascending; how many of the best detections count, per image and class. */
  readonly maxDetections: readonly number[]
  /**
   * pycocotools keeps the id of the matched truth and tests it for truth, so that a detection matched with annotation
   * id 0 counts as a false positive. "mended" counts it as found; "pycocotools" repeats the slip, for equal numbers.
   */
  readonly truthIdZero: "mended" | "pycocotools"
  /** Difficult objects (VOC) are ignored, as crowds are, or counted like any other. Those of COCO's files always count. */
  readonly difficult: "ignored" | "counted"
}

/** numpy's linspace(0.5, 0.95, 10), to the bit: 0.5 + 0.05 * i would give another 0.85 and 0.9. */
const IOU_THRESHOLDS = Array.from({ length: 10 }, (_, i) => i * ((0.95 - 0.5) / 9) + 0.5)
/** numpy's linspace(0, 1, 101), to the bit: i / 100 differs at ten places. */
const RECALL_THRESHOLDS = Array.from({ length: 101 }, (_, i) => i * 0.01)

/** @source pycocotools 2.0.11 cocoeval.py, class Params; `truthIdZero` departs from it, see the option. */
export const cocoDefaults: CocoOptions = {
  iouThresholds: IOU_THRESHOLDS,
  recallThresholds: RECALL_THRESHOLDS,
  areaRanges: [
    { name: "all", from: 0, to: 1e10 },
    { name: "small", from: 0, to: 1024 },
    { name: "medium", from: 1024, to: 9216 },
    { name: "large", from: 9216, to: 1e10 },
  ],
  maxDetections: [1, 10, 100],
  truthIdZero: "mended",
  difficult: "ignored",
}

const ascending =
  (most: number): Rule =>
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= most &&
    value.every((x, i) => typeof x === "number" && (i === 0 || x > (value[i - 1] as number)))
      ? undefined
      : `1 to ${most} ascending numbers`

const oneOf =
  (...names: readonly string[]): Rule =>
  (value) =>
    names.includes(value as string) ? undefined : `one of ${names.join(", ")}`

/** @throws UsageError for an unknown name or a value that breaks its rule */
export function cocoOptions(overrides: Partial<CocoOptions> = {}): CocoOptions {
  return withDefaults("evaluateCoco", cocoDefaults, overrides, {
    iouThresholds: ascending(32),
    recallThresholds: ascending(10_001),
    maxDetections: ascending(100),
    areaRanges: (value) => (Array.isArray(value) && value.length > 0 ? undefined : "at least one area range"),
    truthIdZero: oneOf("mended", "pycocotools"),
    difficult: oneOf("ignored", "counted"),
  })
}
