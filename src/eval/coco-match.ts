import type { CocoOptions } from "./coco-options.js"
import type { TruthTable } from "./tables.js"

/** A threshold of 1 still matches equal boxes. @source pycocotools cocoeval.py evaluateImg */
const HIGHEST_THRESHOLD = 1 - 1e-10

/**
 * Overlap of each of D detections with each of G truths of one image, no "+1"; against a crowd, the share of the
 * detection that lies inside it. The order of operations is that of pycocotools' C code, so the doubles are the same.
 * @param detections positions in `detectionBoxes` (`[* 4]` x, y, width, height)
 * @param truths positions in `truthBoxes` (`[* 4]` x, y, width, height)
 * @param out `[D * G]`, detection by detection
 * @source pycocotools common/maskApi.c bbIou
 */
export function overlaps(
  detectionBoxes: Float64Array,
  detections: Int32Array,
  truthBoxes: Float64Array,
  truths: Int32Array,
  crowd: Uint8Array,
  out: Float64Array,
): void {
  let at = 0
  for (let d = 0; d < detections.length; d++) {
    const i = detections[d]! * 4
    const x = detectionBoxes[i]!
    const y = detectionBoxes[i + 1]!
    const w = detectionBoxes[i + 2]!
    const h = detectionBoxes[i + 3]!
    const area = w * h
    for (let g = 0; g < truths.length; g++, at++) {
      const truth = truths[g]!
      const j = truth * 4
      const tx = truthBoxes[j]!
      const ty = truthBoxes[j + 1]!
      const tw = truthBoxes[j + 2]!
      const th = truthBoxes[j + 3]!
      const width = Math.min(w + x, tw + tx) - Math.max(x, tx)
      const height = Math.min(h + y, th + ty) - Math.max(y, ty)
      if (!(width > 0) || !(height > 0)) out[at] = 0
      else {
        const shared = width * height
        out[at] = shared / (crowd[truth] === 1 ? area : area + tw * th - shared)
      }
    }
  }
}

/**
 * COCO's greedy matching within one image and class: best score first, each detection takes the truth it overlaps most
 * of those still free (of equal overlaps the last), a counted truth before an ignored one; crowds stay free.
 * @source pycocotools cocoeval.py evaluateImg
 */
export class Matcher {
  readonly #truths: TruthTable
  readonly #thresholds: readonly number[]
  readonly #skipIdZero: boolean
  #taken = new Uint8Array(64)
  #order = new Int32Array(64)
  #ious = new Float64Array(256)

  constructor(truths: TruthTable, options: Pick<CocoOptions, "iouThresholds" | "truthIdZero">) {
    this.#truths = truths
    this.#thresholds = options.iouThresholds
    this.#skipIdZero = options.truthIdZero === "pycocotools"
  }

  /** Takes up the detections (best score first) and truths of one image and class; `match` then works on them. */
  measure(detectionBoxes: Float64Array, detections: Int32Array, truths: Int32Array): void {
    const cells = detections.length * truths.length
    if (this.#ious.length < cells) this.#ious = new Float64Array(2 * cells)
    if (this.#order.length < truths.length) {
      this.#order = new Int32Array(2 * truths.length)
      this.#taken = new Uint8Array(2 * truths.length)
    }
    overlaps(detectionBoxes, detections, this.#truths.boxesXywh, truths, this.#truths.crowd, this.#ious)
  }

  /**
   * @param ignore `[G]` of the truths at hand, 1 where a truth is not counted
   * @param matched `[D]` gets bit t where matched at threshold t
   * @param ignored `[D]` gets bit t where matched with an ignored truth
   * @param matchedTruth `[D]` gets the truth (its position in the table) matched at the first threshold, else -1
   */
  match(
    detectionCount: number,
    truths: Int32Array,
    ignore: Uint8Array,
    matched: Uint32Array,
    ignored: Uint32Array,
    matchedTruth?: Int32Array,
  ): void {
    const { crowd, ids } = this.#truths
    const order = this.#order
    const taken = this.#taken
    const ious = this.#ious
    const truthCount = truths.length
    let counted = 0
    for (let g = 0; g < truthCount; g++) if (ignore[g] === 0) order[counted++] = g
    for (let g = 0, place = counted; g < truthCount; g++) if (ignore[g] === 1) order[place++] = g
    matched.fill(0, 0, detectionCount)
    ignored.fill(0, 0, detectionCount)
    matchedTruth?.fill(-1, 0, detectionCount)
    for (let t = 0; t < this.#thresholds.length; t++) {
      const threshold = Math.min(this.#thresholds[t]!, HIGHEST_THRESHOLD)
      const bit = 1 << t
      taken.fill(0, 0, truthCount)
      for (let d = 0; d < detectionCount; d++) {
        const row = d * truthCount
        let best = threshold
        let found = -1
        for (let place = 0; place < truthCount; place++) {
          if (place === counted && found >= 0) break
          const g = order[place]!
          if (taken[g] === 1 && crowd[truths[g]!] === 0) continue
          const iou = ious[row + g]!
          if (iou < best) continue
          best = iou
          found = g
        }
        if (found < 0) continue
        taken[found] = 1
        if (ignore[found] === 1) ignored[d]! |= bit
        if (!this.#skipIdZero || ids[truths[found]!] !== 0) matched[d]! |= bit
        if (t === 0 && matchedTruth) matchedTruth[d] = truths[found]!
      }
    }
  }
}
