import { DataError } from "../core/errors.js"
import { withDefaults } from "../core/options.js"
import { arrange } from "./arrange.js"
import { pairwiseSum } from "./coco-summary.js"
import { IdIndex } from "./id-index.js"
import { type DetectionTable, pickDetections, type TruthTable, truthsAt } from "./tables.js"

export interface OpenImagesOptions {
  readonly iouThreshold: number
  /** What finding a group-of box counts as a true positive, and missing it as a false negative; 0 ignores them. */
  readonly groupOfWeight: number
  /** Judges a class only in images where it was verified: it has a box there, or is listed as absent. */
  readonly verifiedOnly: boolean
  /** Direct parents of each category id: a box of a class is one of its ancestors too. */
  readonly parents: ReadonlyMap<number, readonly number[]>
}

/** The Challenge's rules; those of Open Images V2 are `groupOfWeight: 0, verifiedOnly: false`. */
export const openImagesDefaults: OpenImagesOptions = {
  iouThreshold: 0.5,
  groupOfWeight: 1,
  verifiedOnly: true,
  parents: new Map(),
}

/** AP is NaN for a class without truths, and left out of `mAP`. */
export interface OpenImagesResult {
  readonly mAP: number
  readonly perClass: readonly {
    readonly name: string
    /** Group-of boxes count as much as their weight. */
    readonly truths: number
    readonly AP: number
  }[]
}

/**
 * Open Images' AP: all points, IoU 0.5. Crowds are its group-of boxes: detections half inside of one that found nothing
 * else are taken out, and the best of them stands for the box. A detection is compared with the truth it overlaps most,
 * whether that is taken or not. Boxes without an area take no part.
 * @throws UsageError for an unknown option
 * @source TensorFlow Object Detection API, object_detection_evaluation.py, per_image_evaluation.py, metrics.py;
 *   equal scores keep their order here, where numpy's sort has none
 */
export function evaluateOpenImages(
  truths: TruthTable,
  detections: DetectionTable,
  overrides: Partial<OpenImagesOptions> = {},
): OpenImagesResult {
  const options = withDefaults("evaluateOpenImages", openImagesDefaults, overrides)
  const ancestors = ancestorsOf(truths, options.parents)
  const all = expandTruths(truths, ancestors)
  const verified = options.verifiedOnly ? verifiedClasses(all, ancestors) : undefined
  const classes = truths.categoryIds.length
  const judged = pickDetections(detections, (d) => {
    const [width, height] = [detections.boxesXywh[d * 4 + 2]!, detections.boxesXywh[d * 4 + 3]!]
    const k = detections.category[d]!
    if (k < 0 || !(width > 0) || !(height > 0)) return false
    return verified === undefined || verified.has(detections.image[d]! * classes + k)
  })
  const counted = new Float64Array(classes)
  for (let g = 0; g < all.image.length; g++) {
    counted[all.category[g]!]! += all.crowd[g] === 1 ? options.groupOfWeight : 1
  }
  const outcomes = matchGroups(all, judged, options)
  const AP = Float64Array.from(counted, (count, k) =>
    count === 0 ? Number.NaN : averagePrecision(outcomes[k]!, count),
  )
  const measured = AP.filter((value) => !Number.isNaN(value)).length
  const filled = AP.map((value) => (Number.isNaN(value) ? 0 : value))
  return {
    mAP: measured === 0 ? Number.NaN : pairwiseSum(filled, 0, classes) / measured,
    perClass: truths.categoryNames.map((name, k) => ({ name, truths: counted[k]!, AP: AP[k]! })),
  }
}

/** A class hierarchy as Open Images publishes it. */
export interface OpenImagesHierarchy {
  readonly LabelName: string
  readonly Subcategory?: readonly OpenImagesHierarchy[] | undefined
}

/**
 * The parents of each category, whose names or ids are the hierarchy's labels; what the truths lack is passed over.
 * @throws DataError where no category has a name of the hierarchy
 */
export function openImagesParents(
  hierarchy: OpenImagesHierarchy,
  {
    categoryIds,
    categoryNames,
    givenCategoryIds = [],
  }: Pick<TruthTable, "categoryIds" | "categoryNames" | "givenCategoryIds">,
): Map<number, number[]> {
  const labels = [categoryNames, givenCategoryIds.map(String)]
  const ids = new Map(labels.flatMap((names) => names.map((name, k) => [name, categoryIds[k]!])))
  const parents = new Map<number, number[]>()
  let known = 0
  const visit = ({ LabelName, Subcategory = [] }: OpenImagesHierarchy, above: number | undefined) => {
    const id = ids.get(LabelName)
    if (id !== undefined) known++
    if (id !== undefined && above !== undefined) parents.set(id, [...(parents.get(id) ?? []), above])
    for (const child of Subcategory) visit(child, id ?? above)
  }
  visit(hierarchy, undefined)
  if (known === 0) {
    const [name] = categoryNames
    throw new DataError(
      `hierarchy: none of its labels, such as "${hierarchy.LabelName}", is the name of a category, such as "${name}".` +
        " Name the categories by their labels",
    )
  }
  return parents
}

/** `[K]` places of the classes above each class. */
function ancestorsOf({ categoryIds }: TruthTable, parents: OpenImagesOptions["parents"]): number[][] {
  const places = new IdIndex(categoryIds)
  return Array.from(categoryIds, (id) => {
    const above = new Set<number>()
    const climb = (from: number) => {
      for (const parent of parents.get(from) ?? []) {
        const place = places.place(parent)
        if (place < 0 || above.has(place)) continue
        above.add(place)
        climb(parent)
      }
    }
    climb(id)
    return [...above]
  })
}

/** Every truth once more for each class above its own. */
function expandTruths(truths: TruthTable, ancestors: readonly (readonly number[])[]): TruthTable {
  if (ancestors.every((above) => above.length === 0)) return truths
  const from: number[] = []
  const category: number[] = []
  truths.category.forEach((k, g) => {
    for (const one of [k, ...ancestors[k]!]) {
      from.push(g)
      category.push(one)
    }
  })
  return { ...truthsAt(truths, Int32Array.from(from)), category: Int32Array.from(category) }
}

/** Image and class together: classes with a truth, and those known to be absent with all below them. */
function verifiedClasses(truths: TruthTable, ancestors: readonly (readonly number[])[]): Set<number> {
  const { image, category, categoryIds, federated } = truths
  const classes = categoryIds.length
  const places = new IdIndex(categoryIds)
  const verified = new Set<number>()
  for (let g = 0; g < image.length; g++) verified.add(image[g]! * classes + category[g]!)
  federated?.negative.forEach((ids, i) => {
    for (const id of ids) {
      const absent = places.place(id)
      if (absent < 0) continue
      ancestors.forEach((above, k) => {
        if (k === absent || above.includes(absent)) verified.add(i * classes + k)
      })
    }
  })
  return verified
}

/** A detection, or a group-of box that was found: what it counts as a true positive, 0 for a false one. */
interface Outcome {
  readonly score: number
  readonly weight: number
}

/** `[K]` the outcomes of each class, in no order. */
function matchGroups(truths: TruthTable, detections: DetectionTable, options: OpenImagesOptions): Outcome[][] {
  const arranged = arrange(truths, detections)
  const { order, starts } = arranged.truths
  return Array.from(truths.categoryIds, (_, k) => {
    const outcomes: Outcome[] = []
    let g = starts[k]!
    const end = arranged.ranking.starts[k + 1]!
    for (let from = arranged.ranking.starts[k]!; from < end; ) {
      const image = detections.image[arranged.cells[from]!]!
      let to = from + 1
      while (to < end && detections.image[arranged.cells[to]!] === image) to++
      while (g < starts[k + 1]! && truths.image[order[g]!]! < image) g++
      let last = g
      while (last < starts[k + 1]! && truths.image[order[last]!] === image) last++
      const cell = { detections: arranged.cells.subarray(from, to), truths: order.subarray(g, last) }
      outcomes.push(...matchCell(truths, detections, cell, options))
      from = to
      g = last
    }
    return outcomes
  })
}

function matchCell(
  truths: TruthTable,
  detections: DetectionTable,
  cell: { readonly detections: Int32Array; readonly truths: Int32Array },
  { iouThreshold, groupOfWeight }: OpenImagesOptions,
): Outcome[] {
  const objects = cell.truths.filter((g) => truths.crowd[g] === 0)
  const groups = cell.truths.filter((g) => truths.crowd[g] === 1)
  const taken = new Set<number>()
  const groupScore = new Map<number, number>()
  const outcomes: Outcome[] = []
  for (const d of cell.detections) {
    const score = detections.scores[d]!
    const object = mostOverlapped(truths, detections, d, objects, iouThreshold)
    if (object >= 0 && !taken.has(object)) {
      taken.add(object)
      outcomes.push({ score, weight: 1 })
      continue
    }
    const group = mostOverlapped(truths, detections, d, groups, iouThreshold)
    // Best score first: the first one of a group is its best.
    if (group < 0) outcomes.push({ score, weight: 0 })
    else if (!groupScore.has(group)) groupScore.set(group, score)
  }
  if (groupOfWeight > 0) {
    for (const score of groupScore.values()) if (score > 0) outcomes.push({ score, weight: groupOfWeight })
  }
  return outcomes
}

/** The truth that a detection overlaps most, the first of equals; -1 where none is overlapped enough. */
function mostOverlapped(
  truths: TruthTable,
  detections: DetectionTable,
  d: number,
  among: Int32Array,
  iouThreshold: number,
): number {
  let most = -1
  let found = -1
  for (const g of among) {
    const shared = cornerOverlap(detections.boxesXywh, d * 4, truths.boxesXywh, g * 4, truths.crowd[g] === 1)
    if (shared <= most) continue
    most = shared
    found = g
  }
  return most >= iouThreshold ? found : -1
}

/**
 * IoU, or the share of the detection inside of a group-of box. From corners, as the reference has its boxes.
 * @source TensorFlow Object Detection API, np_box_ops.py
 */
function cornerOverlap(a: Float64Array, i: number, b: Float64Array, j: number, groupOf: boolean): number {
  const [right, bottom] = [a[i]! + a[i + 2]!, a[i + 1]! + a[i + 3]!]
  const [otherRight, otherBottom] = [b[j]! + b[j + 2]!, b[j + 1]! + b[j + 3]!]
  const width = Math.max(0, Math.min(right, otherRight) - Math.max(a[i]!, b[j]!))
  const height = Math.max(0, Math.min(bottom, otherBottom) - Math.max(a[i + 1]!, b[j + 1]!))
  const shared = height * width
  const area = (bottom - a[i + 1]!) * (right - a[i]!)
  if (groupOf) return shared / area
  return shared / (area + (otherBottom - b[j + 1]!) * (otherRight - b[j]!) - shared)
}

/** All points. @source TensorFlow Object Detection API, metrics.py */
function averagePrecision(outcomes: readonly Outcome[], truths: number): number {
  const ranked = [...outcomes].sort((a, b) => b.score - a.score)
  const recall = [0]
  const precision = [0]
  let [right, wrong] = [0, 0]
  for (const { weight } of ranked) {
    right += weight
    if (weight <= 0) wrong++
    recall.push(right / truths)
    precision.push(right / (right + wrong))
  }
  recall.push(1)
  precision.push(0)
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i]!, precision[i + 1]!)
  const steps: number[] = []
  for (let i = 1; i < recall.length; i++) {
    if (recall[i] !== recall[i - 1]) steps.push((recall[i]! - recall[i - 1]!) * precision[i]!)
  }
  return pairwiseSum(Float64Array.from(steps), 0, steps.length)
}
