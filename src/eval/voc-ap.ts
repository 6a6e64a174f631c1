/** The recalls of VOC2007's eleven points: i * 0.1, so that a recall of exactly 3/10, 6/10 or 7/10 misses its point. */
const ELEVEN_RECALLS = Array.from({ length: 11 }, (_, i) => i * 0.1)

/** The precision-recall curve of one class: one point a counted detection, best score first. */
export interface VocCurve {
  readonly recall: Float64Array
  readonly precision: Float64Array
  readonly scores: Float64Array
}

/**
 * The curve of D counted detections, best score first.
 * @param found `[D]` 1 for a true positive, 0 for a false one
 * @param truths how many objects there are to find
 */
export function vocCurve(found: Uint8Array, truths: number, scores = new Float64Array(found.length)): VocCurve {
  const recall = new Float64Array(found.length)
  const precision = new Float64Array(found.length)
  let right = 0
  for (let d = 0; d < found.length; d++) {
    right += found[d]!
    recall[d] = right / truths
    precision[d] = right / (d + 1)
  }
  return { recall, precision, scores }
}

/**
 * VOC2007's AP: the mean of the highest precision at a recall of at least 0, 0.1, ... 1.
 * @source VOC2007 devkit VOCevaldet.m; the grid as in py-faster-rcnn voc_eval.py
 */
export function elevenPointAp({ recall, precision }: Pick<VocCurve, "recall" | "precision">): number {
  const envelope = envelopeOf(precision)
  let sum = 0
  let d = 0
  for (const least of ELEVEN_RECALLS) {
    while (d < recall.length && recall[d]! < least) d++
    sum += (d < recall.length ? envelope[d]! : 0) / 11
  }
  return sum
}

/**
 * VOC2010's AP: the area under the curve whose precision is made to fall from left to right.
 * @source VOC2010+ devkit VOCap.m
 */
export function allPointsAp({ recall, precision }: Pick<VocCurve, "recall" | "precision">): number {
  const envelope = envelopeOf(precision)
  let area = 0
  let before = 0
  for (let d = 0; d < recall.length; d++) {
    if (recall[d] !== before) area += (recall[d]! - before) * envelope[d]!
    before = recall[d]!
  }
  return area
}

/** The highest precision from each detection on. */
function envelopeOf(precision: Float64Array): Float64Array {
  const envelope = precision.slice()
  for (let d = envelope.length - 2; d >= 0; d--) {
    if (envelope[d + 1]! > envelope[d]!) envelope[d] = envelope[d + 1]!
  }
  return envelope
}
