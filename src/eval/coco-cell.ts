import type { CocoOptions } from "./coco-options.js"
import type { TruthTable } from "./tables.js"

/** A threshold of 1 still matches equal boxes. @source pycocotools cocoeval.py evaluateImg */
const HIGHEST_THRESHOLD = 1 - 1e-10

/** What matching asks of its options. */
export type MatchOptions = Pick<
  CocoOptions,
  "iouThresholds" | "areaRanges" | "maxDetections" | "truthIdZero" | "difficult"
>

/**
 * COCO's greedy matching within one *cell*, the detections and truths of one image and class: best score first, each
 * detection takes the truth it overlaps most of those still free (of equal overlaps the last), a counted truth before an
 * ignored one; crowds stay free. Of a cell only the pairs that overlap enough are looked at, and area ranges that ignore
 * the same truths share one matching.
 * @source pycocotools cocoeval.py evaluateImg, common/maskApi.c bbIou
 */
export class CellMatcher {
  /** One bit a threshold, all set. */
  readonly everyThreshold: number
  /** How many of the best detections of a cell take part. */
  readonly most: number
  /** `[A * most]` bit t: matched at threshold t. */
  readonly matched: Uint32Array
  /** `[A * most]` bit t: neither right nor wrong at threshold t, being matched with an ignored truth. */
  readonly ignored: Uint32Array
  /** `[most]` the truth matched at the first threshold, all truths that the first area range ignores included; or -1. */
  readonly truth: Int32Array
  readonly #truths: TruthTable
  readonly #options: MatchOptions
  readonly #thresholds: Float64Array
  readonly #lowest: number
  readonly #areas: number
  /** `[A * most]` like `matched`, truths with id 0 included. */
  readonly #taken: Uint32Array
  #ignore = new Uint8Array(64)
  #takenAt = new Uint32Array(16)
  #pairTruth = new Int32Array(64)
  #pairIou = new Float64Array(64)
  #pairMask = new Uint32Array(64)
  readonly #pairStarts: Int32Array

  constructor(truths: TruthTable, options: MatchOptions) {
    this.#truths = truths
    this.#options = options
    this.#thresholds = Float64Array.from(options.iouThresholds, (t) => Math.min(t, HIGHEST_THRESHOLD))
    this.#lowest = this.#thresholds.reduce((low, t) => Math.min(low, t), 1)
    this.everyThreshold = -1 >>> (32 - this.#thresholds.length)
    this.#areas = options.areaRanges.length
    this.most = options.maxDetections.at(-1)!
    this.matched = new Uint32Array(this.#areas * this.most)
    this.ignored = new Uint32Array(this.#areas * this.most)
    this.#taken = new Uint32Array(this.#areas * this.most)
    this.truth = new Int32Array(this.most)
    this.#pairStarts = new Int32Array(this.most + 1)
  }

  /** Whether a truth does not count in area range `a`. */
  ignores(truth: number, a: number): boolean {
    const { areas, crowd, difficult, format } = this.#truths
    const { from, to } = this.#options.areaRanges[a]!
    const area = areas[truth]!
    if (crowd[truth] === 1 || area < from || area > to) return true
    return difficult[truth] === 1 && this.#options.difficult === "ignored" && format !== "coco"
  }

  /**
   * Matches one cell into `matched`, `ignored` and `truth`.
   * @param boxes `[* 4]` x, y, width, height
   * @param detections positions in `boxes`, best score first
   * @param truths positions in the table
   * @returns false, with nothing written, where no detection overlaps a truth enough for any threshold
   */
  match(
    boxes: Float64Array,
    detections: Int32Array,
    from: number,
    to: number,
    truths: Int32Array,
    truthsFrom: number,
    truthsTo: number,
  ): boolean {
    const count = Math.min(to - from, this.most)
    if (!this.#findPairs(boxes, detections, from, count, truths, truthsFrom, truthsTo)) return false
    const truthCount = truthsTo - truthsFrom
    this.#markIgnored(truths, truthsFrom, truthCount)
    for (let a = 0; a < this.#areas; a++) {
      const like = this.#sameAs(a, truthCount)
      if (like < 0) this.#assign(a, count, truths, truthsFrom, truthCount)
      else this.#copy(a, like, count, truthCount)
    }
    return true
  }

  /** Finds the pairs that overlap enough for some threshold, with a bit for each threshold they reach. */
  #findPairs(
    boxes: Float64Array,
    detections: Int32Array,
    from: number,
    count: number,
    truths: Int32Array,
    truthsFrom: number,
    truthsTo: number,
  ): boolean {
    const { boxesXywh, crowd } = this.#truths
    const starts = this.#pairStarts
    const lowest = this.#lowest
    const truthCount = truthsTo - truthsFrom
    let pairs = 0
    for (let i = 0; i < count; i++) {
      starts[i] = pairs
      if (pairs + truthCount > this.#pairTruth.length) this.#growPairs(pairs + truthCount)
      const d = detections[from + i]! * 4
      const x = boxes[d]!
      const y = boxes[d + 1]!
      const w = boxes[d + 2]!
      const h = boxes[d + 3]!
      const right = w + x
      const bottom = h + y
      const area = w * h
      for (let g = truthsFrom; g < truthsTo; g++) {
        const truth = truths[g]!
        const t = truth * 4
        const tx = boxesXywh[t]!
        const ty = boxesXywh[t + 1]!
        const tw = boxesXywh[t + 2]!
        const th = boxesXywh[t + 3]!
        const width = Math.min(right, tw + tx) - Math.max(x, tx)
        const height = Math.min(bottom, th + ty) - Math.max(y, ty)
        let iou = 0
        if (width > 0 && height > 0) {
          const shared = width * height
          iou = shared / (crowd[truth] === 1 ? area : area + tw * th - shared)
        }
        if (!(iou >= lowest)) continue
        this.#pairTruth[pairs] = g - truthsFrom
        this.#pairIou[pairs] = iou
        this.#pairMask[pairs++] = this.#reached(iou)
      }
    }
    starts[count] = pairs
    return pairs > 0
  }

  #reached(iou: number): number {
    const thresholds = this.#thresholds
    let mask = 0
    for (let t = 0; t < thresholds.length; t++) if (iou >= thresholds[t]!) mask |= 1 << t
    return mask
  }

  #markIgnored(truths: Int32Array, truthsFrom: number, truthCount: number): void {
    if (this.#ignore.length < this.#areas * truthCount) this.#ignore = new Uint8Array(2 * this.#areas * truthCount)
    if (this.#takenAt.length < truthCount) this.#takenAt = new Uint32Array(2 * truthCount)
    for (let a = 0, at = 0; a < this.#areas; a++) {
      for (let g = 0; g < truthCount; g++) this.#ignore[at++] = this.ignores(truths[truthsFrom + g]!, a) ? 1 : 0
    }
  }

  /** An area range before `a` whose matching is the same: it ignores the same truths, or both ignore all or none. */
  #sameAs(a: number, truthCount: number): number {
    const ignore = this.#ignore
    const uniform = this.#isUniform(a, truthCount)
    for (let b = 0; b < a; b++) {
      let g = 0
      while (g < truthCount && ignore[a * truthCount + g] === ignore[b * truthCount + g]) g++
      if (g === truthCount || (uniform && this.#isUniform(b, truthCount))) return b
    }
    return -1
  }

  #isUniform(a: number, truthCount: number): boolean {
    const start = a * truthCount
    for (let g = 1; g < truthCount; g++) if (this.#ignore[start + g] !== this.#ignore[start]) return false
    return true
  }

  #copy(a: number, like: number, count: number, truthCount: number): void {
    const to = a * this.most
    const from = like * this.most
    const equal = this.#ignore[a * truthCount] === this.#ignore[like * truthCount]
    const all = this.#ignore[a * truthCount] === 1
    for (let i = 0; i < count; i++) {
      this.matched[to + i] = this.matched[from + i]!
      this.#taken[to + i] = this.#taken[from + i]!
      this.ignored[to + i] = equal ? this.ignored[from + i]! : all ? this.#taken[from + i]! : 0
    }
  }

  #assign(a: number, count: number, truths: Int32Array, truthsFrom: number, truthCount: number): void {
    const { crowd, ids } = this.#truths
    const starts = this.#pairStarts
    const skipIdZero = this.#options.truthIdZero === "pycocotools"
    const offset = a * this.most
    this.#takenAt.fill(0, 0, truthCount)
    for (let i = 0; i < count; i++) {
      const first = starts[i]!
      const end = starts[i + 1]!
      let matched = 0
      let ignored = 0
      let taken = 0
      if (a === 0) this.truth[i] = -1
      let open = 0
      for (let p = first; p < end; p++) open |= this.#pairMask[p]!
      for (let bit = 1; open !== 0; ) {
        // With one pair all thresholds go the same way, else one after the other.
        const bits = end - first === 1 ? open : open & bit
        bit <<= 1
        if (bits === 0) continue
        open &= ~bits
        const g = this.#best(bits, first, end, a * truthCount, truths, truthsFrom)
        if (g < 0) continue
        const truth = truths[truthsFrom + g]!
        const free = crowd[truth] === 1 ? bits : bits & ~this.#takenAt[g]!
        this.#takenAt[g]! |= free
        taken |= free
        if (this.#ignore[a * truthCount + g] === 1) ignored |= free
        if (!skipIdZero || ids[truth] !== 0) matched |= free
        if (a === 0 && (free & 1) !== 0) this.truth[i] = truth
      }
      this.matched[offset + i] = matched
      this.ignored[offset + i] = ignored
      this.#taken[offset + i] = taken
    }
  }

  /** The truth, within the cell, that a detection takes at the threshold `bits`; the only one where it has one pair. */
  #best(bits: number, first: number, end: number, ignoreAt: number, truths: Int32Array, truthsFrom: number): number {
    if (end - first === 1) return this.#pairTruth[first]!
    const { crowd } = this.#truths
    for (let ignored = 0; ignored <= 1; ignored++) {
      let best = -1
      let found = -1
      for (let p = first; p < end; p++) {
        const g = this.#pairTruth[p]!
        if ((this.#pairMask[p]! & bits) === 0 || this.#ignore[ignoreAt + g] !== ignored) continue
        if ((this.#takenAt[g]! & bits) !== 0 && crowd[truths[truthsFrom + g]!] === 0) continue
        if (this.#pairIou[p]! < best) continue
        best = this.#pairIou[p]!
        found = g
      }
      if (found >= 0) return found
    }
    return -1
  }

  #growPairs(needed: number): void {
    const truth = new Int32Array(2 * needed)
    const iou = new Float64Array(2 * needed)
    const mask = new Uint32Array(2 * needed)
    truth.set(this.#pairTruth)
    iou.set(this.#pairIou)
    mask.set(this.#pairMask)
    this.#pairTruth = truth
    this.#pairIou = iou
    this.#pairMask = mask
  }
}
