import type { Detections } from "../boxes/boxes.js"
import { DataError, UsageError } from "../core/errors.js"
import type { CocoId } from "../json/coco-id.js"
import { type Arrangement, arrange } from "./arrange.js"
import { type CocoEvaluation, evaluateMatches } from "./coco.js"
import { CellMatcher } from "./coco-cell.js"
import { type CocoMatches, emptyMatches, outsideRanges } from "./coco-match.js"
import type { CocoOptions } from "./coco-options.js"
import { integers, words } from "./columns.js"
import { DetectionBuilder } from "./detection-builder.js"
import { FindImage, shownImageId } from "./find-image.js"
import { counting, groupBy, ScoreSorter } from "./order.js"
import { type TruthSet, truthsFromDataset } from "./records.js"
import { type EvalReport, matchOptions, type ReportOptions, reportMatches } from "./report.js"
import { type DetectionTable, detectionsAt, type TruthTable } from "./tables.js"

/** What an evaluator knows of the images it was given, as plain arrays: for another thread, process or file. */
export interface EvaluatorState {
  /** `[N]` 1 for an image that was added. */
  readonly added: Uint8Array
  readonly detections: DetectionTable
  /** `[D * A]` as in `CocoMatches`, but detection by detection. */
  readonly matched: Uint32Array
  readonly ignored: Uint32Array
  /** `[D]` */
  readonly rank: Int32Array
  /** `[D]` */
  readonly truth: Int32Array
}

/**
 * Matches detections as they arrive, image by image in any order, so that a report at the end costs little; evaluators
 * of parts of the images merge. The figures are those of `evaluate` with all detections at once, to the last bit.
 */
export class DetectionEvaluator {
  readonly #truths: TruthTable
  readonly #options: Partial<ReportOptions>
  readonly #cocoOptions: CocoOptions
  /** `[N]` places of the images in the order in which their detections are laid out. */
  readonly #imageOrder: Int32Array
  /** The category id of each label. */
  readonly #categoryPlaces: readonly number[]
  readonly #matcher: CellMatcher
  readonly #sorter = new ScoreSorter()
  readonly #images: FindImage
  /** Truths by image, then class. */
  readonly #inImage: { readonly order: Int32Array; readonly starts: Int32Array }
  readonly #added: Uint8Array
  readonly #builder: DetectionBuilder
  readonly #matched = words()
  readonly #ignored = words()
  readonly #rank = integers()
  readonly #truth = integers()

  /**
   * @param options of the report
   * @param imageIds in which order a table of all detections would have the images, which decides between equal scores
   *   in VOC's AP; by default ascending
   * @param categoryIds of the labels 1..K; by default the truths' own in ascending order
   * @throws UsageError for an option's value out of range
   */
  constructor(
    truths: TruthTable,
    options: Partial<ReportOptions> = {},
    imageIds?: readonly CocoId[],
    categoryIds?: readonly CocoId[],
  ) {
    this.#truths = truths
    this.#options = options
    this.#cocoOptions = matchOptions(options)
    this.#matcher = new CellMatcher(truths, this.#cocoOptions)
    this.#images = new FindImage(truths)
    this.#imageOrder = imageIds ? Int32Array.from(imageIds, (id) => this.#place(id)) : counting(truths.imageIds.length)
    const byClass = groupBy(truths.image.length, truths.category, truths.categoryIds.length).order
    this.#inImage = groupBy(byClass, truths.image, truths.imageIds.length)
    this.#added = new Uint8Array(truths.imageIds.length)
    this.#builder = new DetectionBuilder(truths, "detections")
    const places = categoryIds?.map((id) => this.#builder.categoryPlace(id))
    this.#categoryPlaces = places ?? [...counting(truths.categoryIds.length)]
  }

  /** For a data set in memory, with its own order of images and classes. */
  static of(set: TruthSet, options: Partial<ReportOptions> = {}): DetectionEvaluator {
    const ids = set.images.map(({ imageId }) => imageId)
    return new DetectionEvaluator(truthsFromDataset(set), options, ids, set.categoryIds)
  }

  /** How many images were added. */
  get images(): number {
    return this.#added.reduce((sum, added) => sum + added, 0)
  }

  /**
   * Matches the detections of one image; when it throws, nothing was added.
   * @param detections boxes in image pixels
   * @throws UsageError for an image that the truths lack or that was added before
   * @throws DataError for a box that is not finite or has a negative size, or a score that is not finite
   */
  addImage(imageId: CocoId, { boxes, scores, labels }: Detections): void {
    const image = this.#take(this.#place(imageId))
    const first = this.#builder.length
    try {
      for (let d = 0; d < scores.length; d++) {
        const [x, y] = [boxes[d * 4]!, boxes[d * 4 + 1]!]
        const category = this.#categoryPlaces[labels[d]! - 1] ?? this.#builder.unknownCategory(`label ${labels[d]}`)
        this.#builder.addAt(image, category, x, y, boxes[d * 4 + 2]! - x, boxes[d * 4 + 3]! - y, scores[d]!)
      }
    } catch (error) {
      this.#builder.truncate(first)
      this.#added[image] = 0
      throw error
    }
    this.#match(image, first)
  }

  /**
   * Takes over the images of another evaluator of the same truths.
   * @throws UsageError when an image was added to both
   * @throws DataError when the other's truths have another number of images
   */
  merge(other: DetectionEvaluator | EvaluatorState): void {
    const state = other instanceof DetectionEvaluator ? other.state() : other
    if (state.added.length !== this.#added.length) {
      throw new DataError(
        `DetectionEvaluator: expected the state of an evaluator of ${this.#added.length} images, got one of ${state.added.length}`,
      )
    }
    const twice = state.added.findIndex((added, image) => added === 1 && this.#added[image] === 1)
    if (twice >= 0) this.#take(twice)
    state.added.forEach((added, image) => {
      if (added === 1) this.#added[image] = 1
    })
    const { image, category, boxesXywh, scores, unknownCategories } = state.detections
    for (let d = 0; d < image.length; d++) {
      const k = category[d]!
      const place = k >= 0 ? k : this.#builder.unknownCategory(unknownCategories[-1 - k]!)
      const [x, y, width, height] = boxesXywh.subarray(d * 4, d * 4 + 4) as unknown as [number, number, number, number]
      this.#builder.addAt(image[d]!, place, x, y, width, height, scores[d]!)
      this.#rank.push(state.rank[d]!)
      this.#truth.push(state.truth[d]!)
    }
    for (const bits of state.matched) this.#matched.push(bits)
    for (const bits of state.ignored) this.#ignored.push(bits)
  }

  /** What is known so far, as plain arrays that `merge` takes; valid until more is added. */
  state(): EvaluatorState {
    return {
      added: this.#added,
      detections: this.#builder.finish(),
      matched: this.#matched.take(),
      ignored: this.#ignored.take(),
      rank: this.#rank.take(),
      truth: this.#truth.take(),
    }
  }

  /** The report so far; images not added count as empty. @throws UsageError for an unknown option */
  report(): EvalReport {
    const { detections, arranged, matches } = this.#finish()
    return reportMatches(this.#truths, detections, arranged, matches, this.#options)
  }

  /** COCO's figures so far; images not added count as empty. */
  evaluation(): CocoEvaluation {
    const { detections, arranged, matches } = this.#finish()
    return evaluateMatches(arranged, detections.scores, matches, this.#cocoOptions)
  }

  #place(imageId: CocoId): number {
    const place = this.#images.withId(imageId)
    if (place >= 0) return place
    throw new UsageError(
      `DetectionEvaluator: image ${imageId} is not among the ${this.#truths.imageIds.length} images of the ground truth`,
    )
  }

  #take(image: number): number {
    if (this.#added[image] === 1) {
      throw new UsageError(`DetectionEvaluator: image ${shownImageId(this.#truths, image)} was added before`)
    }
    this.#added[image] = 1
    return image
  }

  /** Matches the detections from `first` on, all of one image, class by class. */
  #match(image: number, first: number): void {
    const { category, boxesXywh, scores } = this.#builder.finish()
    const count = scores.length - first
    const areas = this.#cocoOptions.areaRanges.length
    const { most, everyThreshold } = this.#matcher
    const matched = new Uint32Array(count * areas)
    const ignored = new Uint32Array(count * areas)
    const rank = new Int32Array(count)
    const truth = new Int32Array(count).fill(-1)
    const here = Int32Array.from({ length: count }, (_, i) => first + i)
    const { order, starts } = groupBy(here, category, this.#truths.categoryIds.length)
    let g = this.#inImage.starts[image]!
    const lastTruth = this.#inImage.starts[image + 1]!
    for (let from = 0; from < order.length; ) {
      const k = category[order[from]!]!
      const to = starts[k + 1]!
      this.#sorter.sort(order, from, to, scores)
      while (g < lastTruth && this.#truths.category[this.#inImage.order[g]!]! < k) g++
      let end = g
      while (end < lastTruth && this.#truths.category[this.#inImage.order[end]!] === k) end++
      const found = end > g && this.#matcher.match(boxesXywh, order, from, to, this.#inImage.order, g, end)
      for (let i = from; i < to; i++) {
        const d = order[i]! - first
        const r = i - from
        rank[d] = r
        if (r >= most) continue
        const outside = outsideRanges(boxesXywh, order[i]! * 4, this.#cocoOptions.areaRanges)
        for (let a = 0; a < areas; a++) {
          const hit = found ? this.#matcher.matched[a * most + r]! : 0
          matched[d * areas + a] = hit
          const skipped = found ? this.#matcher.ignored[a * most + r]! : 0
          ignored[d * areas + a] = ((outside >>> a) & 1) === 1 ? skipped | (everyThreshold & ~hit) : skipped
        }
        if (found) truth[d] = this.#matcher.truth[r]!
      }
      from = to
      g = end
    }
    this.#matched.append(matched)
    this.#ignored.append(ignored)
    this.#rank.append(rank)
    this.#truth.append(truth)
  }

  /** The detections in the order of the images, and the matches at their places. */
  #finish(): { detections: DetectionTable; arranged: Arrangement; matches: CocoMatches } {
    const state = this.state()
    const orderOf = new Int32Array(this.#added.length)
    this.#imageOrder.forEach((image, i) => {
      orderOf[image] = i
    })
    const all = state.detections
    const position = Int32Array.from(all.image, (image) => orderOf[image]!)
    const order = groupBy(position.length, position, this.#added.length).order
    const detections = detectionsAt(all, order)
    const arranged = arrange(this.#truths, detections)
    const size = arranged.ranking.order.length
    const areas = this.#cocoOptions.areaRanges.length
    const matches = emptyMatches(this.#truths, this.#cocoOptions, this.#matcher, size)
    for (let p = 0; p < size; p++) {
      const d = order[arranged.ranking.order[p]!]!
      matches.rank[p] = state.rank[d]!
      matches.truth[p] = state.truth[d]!
      for (let a = 0; a < areas; a++) {
        matches.matched[a * size + p] = state.matched[d * areas + a]!
        matches.ignored[a * size + p] = state.ignored[d * areas + a]!
      }
    }
    return { detections, arranged, matches }
  }
}
