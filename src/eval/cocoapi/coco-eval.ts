import { UsageError } from "../../core/errors.js"
import { arrange } from "../arrange.js"
import { accumulate, asPycocotools } from "../coco-accumulate.js"
import { formatSummaryLine, type SummaryLine } from "../coco-lines.js"
import { matchCoco } from "../coco-match.js"
import type { CocoOptions } from "../coco-options.js"
import { meanOfMeasured } from "../coco-summary.js"
import type { DetectionTable, TruthTable } from "../tables.js"
import { areaOf, type COCO } from "./coco.js"
import { computeIous, evaluateImage, type ImageEvaluation } from "./evaluate-image.js"
import { Params } from "./params.js"
import type { CocoAnnotation, CocoId } from "./records.js"

/** How many thresholds fit into one matching. */
const MOST_THRESHOLDS = 32

/** What `accumulate` leaves in `eval`. Arrays are flat, the last index fastest; -1 where there is nothing to measure. */
export interface CocoEvalResult {
  readonly params: Params
  readonly counts: readonly [T: number, R: number, K: number, A: number, M: number]
  readonly date: string
  /** `[T, R, K, A, M]` */
  readonly precision: Float64Array
  /** `[T, K, A, M]` */
  readonly recall: Float64Array
  /** `[T, R, K, A, M]` */
  readonly scores: Float64Array
}

interface Evaluated {
  readonly imgIds: readonly CocoId[]
  readonly catIds: readonly CocoId[]
  readonly cells: Cells
}

/**
 * The COCO evaluation of boxes, named as in pycocotools and equal to it to the last bit:
 * `evaluate()`, `accumulate()`, `summarize()`, then `stats`.
 * @source pycocotools 2.0.11 cocoeval.py
 */
export class COCOeval {
  readonly cocoGt: COCO
  readonly cocoDt: COCO
  params: Params
  eval: CocoEvalResult | undefined
  /** The 12 numbers, once summarized. */
  stats: Float64Array = new Float64Array(0)
  #evaluated: Evaluated | undefined
  #evalImgs: (ImageEvaluation | undefined)[] | undefined

  /**
   * @param cocoDt what `cocoGt.loadRes` gave
   * @throws UsageError for "segm" and "keypoints"
   */
  constructor(cocoGt: COCO, cocoDt: COCO, iouType: string = "bbox") {
    this.cocoGt = cocoGt
    this.cocoDt = cocoDt
    this.params = new Params(iouType)
    this.params.imgIds = ascending(cocoGt.getImgIds())
    this.params.catIds = ascending(cocoGt.getCatIds())
  }

  /** Sorts the parameters and takes up what is to be evaluated. */
  evaluate(): void {
    const { params } = this
    params.imgIds = ascending(new Set(params.imgIds))
    if (params.useCats) params.catIds = ascending(new Set(params.catIds))
    params.maxDets = [...params.maxDets].sort((a, b) => a - b)
    const cells = new Cells(this.cocoGt, this.cocoDt, params)
    this.#evaluated = { imgIds: params.imgIds, catIds: params.useCats ? params.catIds : [-1], cells }
    this.#evalImgs = undefined
    this.eval = undefined
  }

  /** `[K * A * I]` one entry a category, area range and image, undefined where there is nothing; made when asked for. */
  get evalImgs(): readonly (ImageEvaluation | undefined)[] {
    const { imgIds, catIds } = this.#prepared("evalImgs")
    this.#evalImgs ??= catIds.flatMap((catId) =>
      this.params.areaRng.flatMap((aRng) =>
        imgIds.map((imgId) => this.evaluateImg(imgId, catId, aRng, this.params.maxDets.at(-1)!)),
      ),
    )
    return this.#evalImgs
  }

  /** `[D][G]` overlaps of one image and category. */
  computeIoU(imgId: CocoId, catId: CocoId): number[][] {
    const { cells } = this.#prepared("computeIoU")
    const { gts, dts } = cells.of(imgId, catId)
    return computeIous(gts, dts, this.params.maxDets.at(-1)!)
  }

  /** One image, category and area range; undefined where there is neither ground truth nor detection. */
  evaluateImg(
    imgId: CocoId,
    catId: CocoId,
    aRng: readonly [number, number],
    maxDet: number,
  ): ImageEvaluation | undefined {
    const { cells } = this.#prepared("evaluateImg")
    const { gts, dts } = cells.of(imgId, catId)
    const where = { image_id: imgId, category_id: catId, aRng, maxDet }
    return evaluateImage(where, gts, dts, this.params.iouThrs, this.params.maxDets.at(-1)!)
  }

  /** Precision, recall and scores into `eval`. @throws UsageError before `evaluate` */
  accumulate(): void {
    const { imgIds, catIds, cells } = this.#prepared("accumulate")
    const { params } = this
    const truths = truthTable(cells.gts, imgIds, catIds, Boolean(params.useCats))
    const detections = detectionTable(cells.dts, truths, Boolean(params.useCats))
    const arranged = arrange(truths, detections)
    const parts = []
    for (let t = 0; t < params.iouThrs.length; t += MOST_THRESHOLDS) {
      const options = cocoOptionsOf(params, params.iouThrs.slice(t, t + MOST_THRESHOLDS))
      parts.push(accumulate(arranged, detections.scores, matchCoco(truths, detections, arranged, options), options))
    }
    const [R, K, A, M] = [params.recThrs.length, catIds.length, params.areaRng.length, params.maxDets.length]
    this.eval = {
      params,
      counts: [params.iouThrs.length, R, K, A, M],
      date: new Date().toISOString().slice(0, 19).replace("T", " "),
      precision: joined(parts.map(({ precision, shape }) => asPycocotools(precision, shape))),
      recall: joined(parts.map(({ recall, shape }) => asPycocotools(recall, [shape[0], 1, K, A, M]))),
      scores: joined(parts.map(({ scores, shape }) => asPycocotools(scores, shape))),
    }
  }

  /**
   * The 12 numbers into `stats`.
   * @returns the lines that pycocotools prints
   * @throws UsageError before `accumulate`, or with fewer than three `maxDets`
   */
  summarize(): string {
    const { maxDets } = this.params
    if (maxDets.length < 3) {
      throw new UsageError(`COCOeval: summarize needs three maxDets, as in pycocotools, got ${maxDets.length}`)
    }
    const [first, second, third] = maxDets as [number, number, number]
    const lines = [
      this.#figure("AP", "all", 100),
      this.#figure("AP", "all", third, 0.5),
      this.#figure("AP", "all", third, 0.75),
      ...["small", "medium", "large"].map((area) => this.#figure("AP", area, third)),
      ...[first, second, third].map((most) => this.#figure("AR", "all", most)),
      ...["small", "medium", "large"].map((area) => this.#figure("AR", area, third)),
    ]
    this.stats = Float64Array.from(lines, ({ value }) => value)
    return lines.map(formatSummaryLine).join("\n")
  }

  #figure(kind: "AP" | "AR", area: string, maxDets: number, iouThr?: number): SummaryLine {
    if (!this.eval) throw new UsageError("COCOeval: call accumulate before summarize")
    const { counts, precision, recall } = this.eval
    const [T, R, K, A, M] = counts
    const { iouThrs, areaRngLbl } = this.params
    const a = areaRngLbl.indexOf(area)
    const m = this.params.maxDets.indexOf(maxDets)
    const ts = iouThrs.flatMap((threshold, t) => (iouThr === undefined || threshold === iouThr ? [t] : []))
    const rows = kind === "AP" ? R : 1
    const from = kind === "AP" ? precision : recall
    const values = new Float64Array(a < 0 || m < 0 ? 0 : ts.length * rows * K)
    let count = 0
    for (const t of values.length === 0 ? [] : ts) {
      for (let r = 0; r < rows; r++) {
        for (let k = 0; k < K; k++) values[count++] = from[(((t * rows + r) * K + k) * A + a) * M + m]!
      }
    }
    const iou = iouThr === undefined ? `${fixed(iouThrs[0]!)}:${fixed(iouThrs[T - 1]!)}` : fixed(iouThr)
    return { kind, iou, area, maxDets, value: meanOfMeasured(values) }
  }

  #prepared(what: string): Evaluated {
    if (!this.#evaluated) throw new UsageError(`COCOeval: call evaluate before ${what}`)
    return this.#evaluated
  }
}

/** The ground truths and detections that take part, by image and category. */
class Cells {
  readonly gts: readonly CocoAnnotation[]
  readonly dts: readonly CocoAnnotation[]
  readonly #catIds: readonly CocoId[]
  readonly #useCats: boolean
  #byCell: Map<string, { gts: CocoAnnotation[]; dts: CocoAnnotation[] }> | undefined

  constructor(cocoGt: COCO, cocoDt: COCO, { imgIds, catIds, useCats }: Params) {
    this.#catIds = catIds
    this.#useCats = Boolean(useCats)
    const filter = { imgIds, ...(useCats ? { catIds } : {}) }
    const chosen = (coco: COCO) => {
      const annotations = coco.loadAnns(coco.getAnnIds(filter))
      if (useCats) return annotations
      return catIds.flatMap((id) => annotations.filter(({ category_id }) => category_id === id))
    }
    this.gts = chosen(cocoGt)
    this.dts = chosen(cocoDt)
  }

  of(imgId: CocoId, catId: CocoId): { gts: CocoAnnotation[]; dts: CocoAnnotation[] } {
    const byCell = this.#byCell ?? new Map<string, { gts: CocoAnnotation[]; dts: CocoAnnotation[] }>()
    if (!this.#byCell) {
      this.#byCell = byCell
      const cell = ({ image_id, category_id }: CocoAnnotation) => {
        const key = `${image_id} ${category_id}`
        if (!byCell.has(key)) byCell.set(key, { gts: [], dts: [] })
        return byCell.get(key)!
      }
      for (const gt of this.gts) cell(gt).gts.push(gt)
      for (const dt of this.dts) cell(dt).dts.push(dt)
    }
    const cells = (this.#useCats ? [catId] : this.#catIds).flatMap((id) => byCell.get(`${imgId} ${id}`) ?? [])
    return { gts: cells.flatMap(({ gts }) => gts), dts: cells.flatMap(({ dts }) => dts) }
  }
}

function cocoOptionsOf(params: Params, iouThresholds: readonly number[]): CocoOptions {
  return {
    iouThresholds,
    recallThresholds: params.recThrs,
    areaRanges: params.areaRng.map(([from, to], a) => ({ name: params.areaRngLbl[a] ?? String(a), from, to })),
    maxDetections: params.maxDets,
    truthIdZero: "pycocotools",
    difficult: "counted",
  }
}

function truthTable(
  gts: readonly CocoAnnotation[],
  imgIds: readonly CocoId[],
  catIds: readonly CocoId[],
  useCats: boolean,
): TruthTable {
  const unknown = new Float64Array(imgIds.length)
  return {
    imageIds: Float64Array.from(imgIds),
    imageNames: imgIds.map(String),
    widths: unknown,
    heights: unknown,
    categoryIds: Float64Array.from(catIds),
    categoryNames: catIds.map(String),
    ...columnsOf(gts, imgIds, catIds, useCats),
    areas: Float64Array.from(gts, areaOf),
    crowd: Uint8Array.from(gts, ({ iscrowd }) => (iscrowd ? 1 : 0)),
    difficult: new Uint8Array(gts.length),
    ids: Float64Array.from(gts, ({ id }) => id),
  }
}

function detectionTable(
  dts: readonly CocoAnnotation[],
  { imageIds, categoryIds }: TruthTable,
  useCats: boolean,
): DetectionTable {
  return {
    ...columnsOf(dts, imageIds, categoryIds, useCats),
    scores: Float64Array.from(dts, ({ score }) => score!),
    unknownCategories: [],
  }
}

function columnsOf(
  annotations: readonly CocoAnnotation[],
  imgIds: ArrayLike<CocoId>,
  catIds: ArrayLike<CocoId>,
  useCats: boolean,
): Pick<TruthTable, "image" | "category" | "boxesXywh"> {
  const images = new Map(Array.from(imgIds, (id, i) => [id, i]))
  const categories = new Map(Array.from(catIds, (id, k) => [id, k]))
  const boxesXywh = new Float64Array(annotations.length * 4)
  annotations.forEach(({ bbox }, i) => {
    boxesXywh.set(bbox, i * 4)
  })
  return {
    image: Int32Array.from(annotations, ({ image_id }) => images.get(image_id)!),
    category: Int32Array.from(annotations, ({ category_id }) => (useCats ? categories.get(category_id)! : 0)),
    boxesXywh,
  }
}

function ascending(ids: Iterable<CocoId>): CocoId[] {
  return [...ids].sort((a, b) => a - b)
}

function joined(parts: readonly Float64Array[]): Float64Array {
  if (parts.length === 1) return parts[0]!
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Two decimals, as in "IoU=0.50". */
function fixed(value: number): string {
  return value.toFixed(2)
}
