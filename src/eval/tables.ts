import { type CocoId, idKey } from "../json/coco-id.js"

/**
 * Truths and detections as columns: one typed array a property, no object a box, so that half a million boxes stay small
 * and quick. N images · K classes · G truths · D detections. Boxes are kept as `x, y, width, height` doubles exactly as
 * COCO's JSON has them, because (x + w) - x is not always w in floating point.
 */
export interface TruthTable {
  /** `[N]` ascending, each once. */
  readonly imageIds: Float64Array
  /** `[N]` the file's own ids, where some are texts or beyond 2^53: `imageIds` then has stand-ins for those. */
  readonly givenImageIds?: readonly CocoId[]
  /** The data have no ids of images (VOC, YOLO): `imageIds` are positions, which no result file can know. */
  readonly unnumbered?: true
  /** `[N]` what a person calls the image; VOC's files refer to it. */
  readonly imageNames: readonly string[]
  /** `[N]` in pixels, 0 where unknown. */
  readonly widths: Float64Array
  /** `[N]` in pixels, 0 where unknown. */
  readonly heights: Float64Array
  /** `[K]` ascending, each once; gaps are fine. */
  readonly categoryIds: Float64Array
  /** `[K]` the file's own ids, where some are texts or beyond 2^53: `categoryIds` then has stand-ins for those. */
  readonly givenCategoryIds?: readonly CocoId[]
  /** `[K]` */
  readonly categoryNames: readonly string[]
  /** `[G]` position in `imageIds`. */
  readonly image: Int32Array
  /** `[G]` position in `categoryIds`. */
  readonly category: Int32Array
  /** `[G * 4]` x, y, width, height in image pixels, 0-based and continuous. */
  readonly boxesXywh: Float64Array
  /** `[G]` what decides the size class: COCO's `area` field (of the segment), else width * height. */
  readonly areas: Float64Array
  /** `[G]` 1 for a region of many objects, which may swallow any number of detections. */
  readonly crowd: Uint8Array
  /** `[G]` 1 for an object that neither counts when found nor when missed (VOC's difficult, `ignore` in COCO's files). */
  readonly difficult: Uint8Array
  /** Of a COCO file: `difficult` counts for VOC's figures alone, since pycocotools does not look at `ignore`. */
  readonly format?: "coco"
  /** Corners of the annotations count from 0, not from 1 as VOC's do: VOC's overlaps and result files then do as well. */
  readonly cornersFrom?: 0
  /** `[G]` COCO's annotation ids; only `truthIdZero: "pycocotools"` looks at them. */
  readonly ids: Float64Array
  /** Where the annotations say which classes were looked for in which image (LVIS). */
  readonly federated?: Federated
}

/** What LVIS's annotations say of their own completeness. */
export interface Federated {
  /** `[N]` category ids that are known to be absent from an image. */
  readonly negative: readonly (readonly number[])[]
  /** `[N]` category ids of which an image may have more than is annotated. */
  readonly notExhaustive: readonly (readonly number[])[]
  /** `[K]` "r" rare, "c" common, "f" frequent, "" unknown. */
  readonly frequency: readonly string[]
}

export interface DetectionTable {
  /** `[D]` position in the truths' `imageIds`. */
  readonly image: Int32Array
  /** `[D]` position in the truths' `categoryIds`; -1 - u for a class that only `unknownCategories[u]` names. */
  readonly category: Int32Array
  /** `[D * 4]` x, y, width, height in image pixels, 0-based and continuous. */
  readonly boxesXywh: Float64Array
  /** `[D]` */
  readonly scores: Float64Array
  /** Classes of detections which the truths do not have: such detections take no part, and the diagnosis names them. */
  readonly unknownCategories: readonly (number | string)[]
  /** Classes were read by their names, so that no id can mean another. */
  readonly byName?: true
  /** `[D * 4]` left, top, right, bottom, inclusive, as the file had them (VOC); else made when needed. */
  readonly corners?: Float64Array
}

/** `boxesXywh` `[R * 4]` as VOC's inclusive corners `[R * 4]`, counted from `first`: left, top, right, bottom. */
export function inclusiveCorners(boxesXywh: Float64Array, first: 0 | 1 = 1): Float64Array {
  const corners = new Float64Array(boxesXywh.length)
  for (let i = 0; i < corners.length; i += 4) setInclusiveCorners(boxesXywh, i, corners, i, first)
  return corners
}

/** Writes the inclusive corners of the box at `i` to `corners` at `at`. */
export function setInclusiveCorners(
  boxesXywh: Float64Array,
  i: number,
  corners: Float64Array,
  at: number,
  first: 0 | 1,
): void {
  corners[at] = boxesXywh[i]! + first
  corners[at + 1] = boxesXywh[i + 1]! + first
  corners[at + 2] = boxesXywh[i]! + boxesXywh[i + 2]!
  corners[at + 3] = boxesXywh[i + 1]! + boxesXywh[i + 3]!
}

/** The truths that `keep` chooses, in their order. */
export function pickTruths(table: TruthTable, keep: (g: number) => boolean): TruthTable {
  return truthsAt(table, chosen(table.image.length, keep))
}

/** The truths at `order`, in that order. */
export function truthsAt(table: TruthTable, order: Int32Array): TruthTable {
  return {
    ...table,
    image: valuesAt(table.image, order, new Int32Array(order.length)),
    category: valuesAt(table.category, order, new Int32Array(order.length)),
    boxesXywh: boxesAt(table.boxesXywh, order),
    areas: valuesAt(table.areas, order, new Float64Array(order.length)),
    crowd: valuesAt(table.crowd, order, new Uint8Array(order.length)),
    difficult: valuesAt(table.difficult, order, new Uint8Array(order.length)),
    ids: valuesAt(table.ids, order, new Float64Array(order.length)),
  }
}

/**
 * The same detections with their classes by name.
 * @param names of the classes that ids mean; an id without one stays
 */
export function namedCategories(
  { categoryIds, givenCategoryIds, categoryNames }: TruthTable,
  detections: DetectionTable,
  names: ReadonlyMap<number | string, string>,
): DetectionTable {
  const unknownCategories: (number | string)[] = []
  const placeOf = (id: CocoId, place: number) => {
    const name = names.get(idKey(id))
    const known = name === undefined ? place : categoryNames.indexOf(name)
    return known >= 0 ? known : -unknownCategories.push(name ?? idKey(id))
  }
  const known = (givenCategoryIds ?? [...categoryIds]).map(placeOf)
  const unknown = detections.unknownCategories.map((id) => placeOf(id, -1))
  const category = detections.category.map((k) => (k >= 0 ? known[k]! : unknown[-1 - k]!))
  return { ...detections, category, unknownCategories, byName: true }
}

/** The detections that `keep` chooses, in their order. */
export function pickDetections(table: DetectionTable, keep: (d: number) => boolean): DetectionTable {
  const kept = chosen(table.image.length, keep)
  return detectionsAt(table, kept)
}

/** The detections at `order`, in that order. */
export function detectionsAt(table: DetectionTable, order: Int32Array): DetectionTable {
  return {
    image: valuesAt(table.image, order, new Int32Array(order.length)),
    category: valuesAt(table.category, order, new Int32Array(order.length)),
    boxesXywh: boxesAt(table.boxesXywh, order),
    scores: valuesAt(table.scores, order, new Float64Array(order.length)),
    unknownCategories: table.unknownCategories,
    ...(table.byName && { byName: table.byName }),
    ...(table.corners && { corners: boxesAt(table.corners, order) }),
  }
}

/** A loop, since `from` goes over typed arrays by way of an iterator. */
function valuesAt<T extends Int32Array | Float64Array | Uint8Array>(values: T, order: Int32Array, to: T): T {
  for (let i = 0; i < order.length; i++) to[i] = values[order[i]!]!
  return to
}

function boxesAt(boxes: Float64Array, order: Int32Array): Float64Array {
  const picked = new Float64Array(order.length * 4)
  for (let i = 0; i < picked.length; i++) picked[i] = boxes[order[i >> 2]! * 4 + (i & 3)]!
  return picked
}

function chosen(count: number, keep: (i: number) => boolean): Int32Array {
  const kept = new Int32Array(count)
  let length = 0
  for (let i = 0; i < count; i++) if (keep(i)) kept[length++] = i
  return kept.subarray(0, length)
}
