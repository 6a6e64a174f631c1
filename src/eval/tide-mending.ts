import type { Arrangement } from "./arrange.js"
import { meanOfMeasured } from "./coco-summary.js"
import { type MatchesAt, RIGHT, WRONG } from "./match-at.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { CLASSIFICATION, type ErrorTypes, LOCALIZATION, MISSED } from "./tide-classify.js"

/** Six types of error to be mended, one at a time, and at last none. */
const VARIANTS = 7
/** np.spacing(1), as in pycocotools' accumulate. */
const SPACING = 2 ** -52

/**
 * AP as it is, and as it would be with all errors of one type mended, in one walk over the detections.
 * @param missed `[K]` truths that are missed, which mending takes away
 * @returns `[7]` by the places in `tideNames`, at last without any mending; NaN without truths
 */
export function meanApsMended(
  truths: TruthTable,
  detections: DetectionTable,
  arranged: Arrangement,
  errors: ErrorTypes,
  matches: MatchesAt,
  missed: Int32Array,
): Float64Array {
  const classes = truths.categoryIds.length
  const incoming = reclassified(truths, detections, errors)
  const walk = new Walk(detections, arranged.ranking.order, errors, matches)
  const perClass = Array.from({ length: VARIANTS }, () => new Float64Array(classes).fill(-1))
  const { starts } = arranged.ranking
  for (let k = 0; k < classes; k++) {
    const counted = matches.counted[k]!
    if (counted === 0) continue
    walk.go(starts[k]!, starts[k + 1]!, incoming[k] ?? [])
    for (let v = 0; v < VARIANTS; v++) {
      const left = v === MISSED ? counted - missed[k]! : counted
      perClass[v]![k] = left > 0 ? walk.interpolatedAp(v, left) : walk.wrong > 0 ? 0 : -1
    }
  }
  return Float64Array.from(perClass, (aps) => {
    const mean = meanOfMeasured(aps)
    return mean === -1 ? Number.NaN : mean
  })
}

/** Class by class, the classification errors that mending makes right there, best score first. */
function reclassified(truths: TruthTable, detections: DetectionTable, { type, target }: ErrorTypes): number[][] {
  const incoming: number[][] = []
  for (let d = 0; d < type.length; d++) {
    if (type[d] !== CLASSIFICATION || target[d]! < 0) continue
    const k = truths.category[target[d]!]!
    incoming[k] ??= []
    incoming[k].push(d)
  }
  for (const list of incoming) list?.sort((a, b) => (isBefore(detections, a, b) ? -1 : 1))
  return incoming
}

/** Whether `a` stands before `b` in a ranking: by score, then by image, then in the order of the table. */
function isBefore({ scores, image }: DetectionTable, a: number, b: number): boolean {
  if (scores[a] !== scores[b]) return scores[a]! > scores[b]!
  return image[a] !== image[b] ? image[a]! < image[b]! : a < b
}

/** Precision at the true positives of one class, for each type mended. */
class Walk {
  /** Detections that were wrong, before any mending. */
  wrong = 0
  readonly #detections: DetectionTable
  readonly #order: Int32Array
  readonly #errors: ErrorTypes
  readonly #matches: MatchesAt
  /** `[7]` how many of the wrong detections each mending takes away. */
  readonly #gone = new Int32Array(VARIANTS)
  /** `[7]` true positives so far. */
  readonly #right = new Int32Array(VARIANTS)
  readonly #precision = Array.from({ length: VARIANTS }, () => new Float64Array(0))

  constructor(detections: DetectionTable, order: Int32Array, errors: ErrorTypes, matches: MatchesAt) {
    this.#detections = detections
    this.#order = order
    this.#errors = errors
    this.#matches = matches
    const most = matches.counted.reduce((a, b) => Math.max(a, b), 0)
    this.#precision = Array.from({ length: VARIANTS }, () => new Float64Array(most))
  }

  /** @param incoming detections of other classes that are right in this one with classification mended */
  go(from: number, to: number, incoming: readonly number[]): void {
    const { type, target } = this.#errors
    const { state } = this.#matches
    this.wrong = 0
    this.#gone.fill(0)
    this.#right.fill(0)
    let next = 0
    for (let p = from; p < to; p++) {
      const d = this.#order[p]!
      while (next < incoming.length && isBefore(this.#detections, incoming[next]!, d)) {
        this.#found(CLASSIFICATION)
        next++
      }
      if (state[d] === RIGHT) for (let v = 0; v < VARIANTS; v++) this.#found(v)
      else if (state[d] === WRONG) {
        this.wrong++
        this.#gone[type[d]!]!++
        if (type[d] === LOCALIZATION && target[d]! >= 0) this.#found(LOCALIZATION)
      }
    }
    for (; next < incoming.length; next++) this.#found(CLASSIFICATION)
  }

  #found(variant: number): void {
    const right = ++this.#right[variant]!
    this.#precision[variant]![right - 1] = right / (this.wrong - this.#gone[variant]! + right + SPACING)
  }

  /** COCO's AP of the class walked over last: the mean of 101 precisions, summed as in `evaluateCoco`. */
  interpolatedAp(variant: number, truths: number): number {
    const right = this.#right[variant]!
    const precision = this.#precision[variant]!
    for (let n = right - 2; n >= 0; n--) if (precision[n + 1]! > precision[n]!) precision[n] = precision[n + 1]!
    let sum = 0
    let n = 0
    for (let r = 0; r <= 100; r++) {
      while (n <= right && n / truths < r * 0.01) n++
      if (n <= right && right > 0) sum += precision[Math.max(0, n - 1)]!
    }
    return sum / 101
  }
}
