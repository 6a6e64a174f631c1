import { topKError } from "./imagenet.js"

/** One class of a test set; `accuracy` is the share of its images whose best score is theirs, NaN without images. */
interface ClassAccuracy {
  readonly name: string
  readonly images: number
  readonly accuracy: number
}

/** Figures are 0..1 and NaN where there is nothing to measure. */
export interface ClassificationReport {
  readonly images: number
  readonly top1Error: number
  readonly top5Error: number
  readonly perClass: readonly ClassAccuracy[]
  /** `[K][K]` how many images of the row's class were taken for the column's. */
  readonly confusion: readonly (readonly number[])[]
}

/**
 * What a classifier's scores are worth. Of equal scores the class with the lower number comes first.
 * @param scores `[N * K]` image by image, any monotone score
 * @param labels `[N]` 0..K-1
 * @param classes names of the classes 0..K-1
 * @throws Error unless there are N * K scores
 */
export function classificationReport(
  scores: Float32Array,
  labels: Int32Array,
  classes: readonly string[],
): ClassificationReport {
  const [top1Error, top5Error] = [1, 5].map((k) => topKError(scores, labels, classes.length, k)) as [number, number]
  const confusion = classes.map(() => classes.map(() => 0))
  for (const [n, label] of labels.entries()) confusion[label]![bestClasses(rowOf(scores, n, classes.length), 1)[0]!]!++
  const perClass = classes.map((name, k) => {
    const images = confusion[k]!.reduce((a, b) => a + b, 0)
    return { name, images, accuracy: confusion[k]![k]! / images }
  })
  return { images: labels.length, top1Error, top5Error, perClass, confusion }
}

/** The scores `[K]` of image `n`. */
export function rowOf(scores: Float32Array, n: number, classCount: number): Float32Array {
  return scores.subarray(n * classCount, (n + 1) * classCount)
}

/** The `count` best classes of one image, best first; of equal scores the lower class first. */
export function bestClasses(scores: Float32Array, count: number): number[] {
  const order = Array.from(scores, (_, k) => k)
  return order.sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, count)
}
