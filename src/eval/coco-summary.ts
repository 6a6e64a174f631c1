import type { CocoCurves } from "./coco-accumulate.js"
import type { CocoOptions } from "./coco-options.js"

/** COCO's 12 numbers, 0..1; -1 where there is nothing to measure. */
export interface CocoSummary {
  readonly AP: number
  readonly AP50: number
  readonly AP75: number
  readonly APs: number
  readonly APm: number
  readonly APl: number
  readonly AR1: number
  readonly AR10: number
  readonly AR100: number
  readonly ARs: number
  readonly ARm: number
  readonly ARl: number
}

/** Names of the 12 numbers in pycocotools' order. */
export const cocoNames = [
  "AP",
  "AP50",
  "AP75",
  "APs",
  "APm",
  "APl",
  "AR1",
  "AR10",
  "AR100",
  "ARs",
  "ARm",
  "ARl",
] as const satisfies readonly (keyof CocoSummary)[]

/** Averages the curves of an evaluation into the 12 numbers. @source pycocotools cocoeval.py summarize */
export function summarizeCoco(options: CocoOptions, curves: CocoCurves): { stats: Float64Array; summary: CocoSummary } {
  const [T, , K, , M] = curves.shape
  const area = (name: string) => options.areaRanges.findIndex((range) => range.name === name)
  const most = M - 1
  const classes = Array.from({ length: K }, (_, k) => k)
  const thresholds = Array.from({ length: T }, (_, t) => t)
  const at = (iou: number) => thresholds.filter((t) => options.iouThresholds[t] === iou)
  const ap = (ts: readonly number[], a: number) => meanPrecision(curves, ts, classes, a, most)
  const ar = (a: number, m: number) => meanRecall(curves, classes, a, m)
  const all = area("all")
  const stats = Float64Array.of(
    ap(thresholds, all),
    ap(at(0.5), all),
    ap(at(0.75), all),
    ap(thresholds, area("small")),
    ap(thresholds, area("medium")),
    ap(thresholds, area("large")),
    ar(all, 0),
    ar(all, Math.min(1, most)),
    ar(all, most),
    ar(area("small"), most),
    ar(area("medium"), most),
    ar(area("large"), most),
  )
  const summary = Object.fromEntries(cocoNames.map((name, i) => [name, stats[i]!])) as unknown as CocoSummary
  return { stats, summary }
}

/** Mean of precision over some thresholds and classes, at one area range and limit; -1 where nothing was measured. */
export function meanPrecision(
  { shape, precision }: CocoCurves,
  thresholds: readonly number[],
  classes: ArrayLike<number>,
  a: number,
  m: number,
): number {
  const [T, R, , A, M] = shape
  if (a < 0) return -1
  const K = classes.length
  // In pycocotools' order, thresholds, then recalls, then classes: it decides how sums are rounded.
  const values = new Float64Array(thresholds.length * R * K)
  for (let k = 0; k < K; k++) {
    const curve = ((classes[k]! * A + a) * M + m) * T
    for (let i = 0; i < thresholds.length; i++) {
      const from = (curve + thresholds[i]!) * R
      for (let r = 0, to = i * R * K + k; r < R; r++, to += K) values[to] = precision[from + r]!
    }
  }
  return meanOfMeasured(values)
}

/** Mean of recall over all thresholds and some classes, at one area range and limit; -1 where nothing was measured. */
export function meanRecall({ shape, recall }: CocoCurves, classes: ArrayLike<number>, a: number, m: number): number {
  const [T, , , A, M] = shape
  if (a < 0) return -1
  const K = classes.length
  const values = new Float64Array(T * K)
  for (let t = 0; t < T; t++) {
    for (let k = 0; k < K; k++) values[t * K + k] = recall[((classes[k]! * A + a) * M + m) * T + t]!
  }
  return meanOfMeasured(values)
}

/** Mean of the values above -1, added up as numpy does; -1 when there are none. Overwrites `values`. */
export function meanOfMeasured(values: Float64Array): number {
  let count = 0
  for (let i = 0; i < values.length; i++) if (values[i]! > -1) values[count++] = values[i]!
  return count === 0 ? -1 : pairwiseSum(values, 0, count) / count
}

/** numpy's order of addition: halves down to blocks of 128, eight running sums a block. @source numpy pairwise_sum */
export function pairwiseSum(values: Float64Array, from: number, count: number): number {
  if (count < 8) {
    let sum = 0
    for (let i = 0; i < count; i++) sum += values[from + i]!
    return sum
  }
  if (count <= 128) {
    const whole = from + count - (count % 8)
    let [r0, r1, r2, r3] = [values[from]!, values[from + 1]!, values[from + 2]!, values[from + 3]!]
    let [r4, r5, r6, r7] = [values[from + 4]!, values[from + 5]!, values[from + 6]!, values[from + 7]!]
    for (let i = from + 8; i < whole; i += 8) {
      r0 += values[i]!
      r1 += values[i + 1]!
      r2 += values[i + 2]!
      r3 += values[i + 3]!
      r4 += values[i + 4]!
      r5 += values[i + 5]!
      r6 += values[i + 6]!
      r7 += values[i + 7]!
    }
    let sum = r0 + r1 + (r2 + r3) + (r4 + r5 + (r6 + r7))
    for (let i = whole; i < from + count; i++) sum += values[i]!
    return sum
  }
  let half = Math.floor(count / 2)
  half -= half % 8
  return pairwiseSum(values, from, half) + pairwiseSum(values, from + half, count - half)
}
