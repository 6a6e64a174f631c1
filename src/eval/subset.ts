import { DataError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import { FindImage } from "./find-image.js"
import { groupBy } from "./order.js"
import { type DetectionTable, detectionsAt, type TruthTable, truthsAt } from "./tables.js"

/** Which part of the ground truth and of the detections is scored; undefined: all. */
export interface Subset {
  /** Names or ids of categories. @source pycocotools Params.catIds */
  readonly categories?: readonly string[] | undefined
  /** Ids or names of images. @source pycocotools Params.imgIds */
  readonly imageIds?: readonly string[] | undefined
  /** All categories are one, as if a detector only found objects. @source pycocotools Params.useCats = 0 */
  readonly classAgnostic?: boolean | undefined
}

/**
 * The part of the tables that is wanted, as pycocotools' parameters take it.
 * @throws DataError for a category or image that the truths lack
 */
export function subsetOf(
  truths: TruthTable,
  detections: DetectionTable,
  { categories, imageIds, classAgnostic }: Subset,
): { truths: TruthTable; detections: DetectionTable } {
  let tables = { truths, detections }
  if (imageIds !== undefined) tables = ofImages(tables, imagesOf(truths, imageIds))
  if (categories !== undefined) tables = ofCategories(tables, categoriesOf(truths, categories))
  return classAgnostic ? ofOneCategory(tables) : tables
}

type Tables = ReturnType<typeof subsetOf>

function imagesOf(truths: TruthTable, wanted: readonly string[]): number[] {
  const find = new FindImage(truths)
  return wanted.map((id) => {
    const place = find.meant(id)
    if (place < 0) throw new DataError(find.unknown(id))
    return place
  })
}

function categoriesOf(
  { categoryNames, categoryIds, givenCategoryIds }: TruthTable,
  wanted: readonly string[],
): number[] {
  const ids = (givenCategoryIds ?? [...categoryIds]).map(String)
  return wanted.map((one) => {
    const place = categoryNames.includes(one) ? categoryNames.indexOf(one) : ids.indexOf(one)
    if (place >= 0) return place
    throw new DataError(`The ground truth has no category "${one}".${didYouMean(one, categoryNames)}`)
  })
}

/** Where each of `count` things goes when only `kept` stay, in their order; -1 for the others. */
function newPlaces(count: number, kept: readonly number[]): { order: number[]; place: Int32Array } {
  const order = [...new Set(kept)].sort((a, b) => a - b)
  const place = new Int32Array(count).fill(-1)
  for (const [to, from] of order.entries()) place[from] = to
  return { order, place }
}

function ofImages({ truths, detections }: Tables, kept: readonly number[]): Tables {
  const { order, place } = newPlaces(truths.imageIds.length, kept)
  const own = truthsAt(
    truths,
    where(truths.image, (image) => place[image]! >= 0),
  )
  const found = detectionsAt(
    detections,
    where(detections.image, (image) => place[image]! >= 0),
  )
  const { givenImageIds: given, federated } = truths
  return {
    truths: {
      ...own,
      imageIds: Float64Array.from(order, (i) => truths.imageIds[i]!),
      ...(given && { givenImageIds: order.map((i) => given[i]!) }),
      imageNames: order.map((i) => truths.imageNames[i]!),
      widths: Float64Array.from(order, (i) => truths.widths[i]!),
      heights: Float64Array.from(order, (i) => truths.heights[i]!),
      image: own.image.map((image) => place[image]!),
      ...(federated && {
        federated: {
          ...federated,
          negative: order.map((i) => federated.negative[i]!),
          notExhaustive: order.map((i) => federated.notExhaustive[i]!),
        },
      }),
    },
    detections: { ...found, image: found.image.map((image) => place[image]!) },
  }
}

function ofCategories({ truths, detections }: Tables, kept: readonly number[]): Tables {
  const { order, place } = newPlaces(truths.categoryIds.length, kept)
  const own = truthsAt(
    truths,
    where(truths.category, (k) => place[k]! >= 0),
  )
  const found = detectionsAt(
    detections,
    where(detections.category, (k) => k >= 0 && place[k]! >= 0),
  )
  const { givenCategoryIds: given, federated } = truths
  return {
    truths: {
      ...own,
      categoryIds: Float64Array.from(order, (k) => truths.categoryIds[k]!),
      ...(given && { givenCategoryIds: order.map((k) => given[k]!) }),
      categoryNames: order.map((k) => truths.categoryNames[k]!),
      category: own.category.map((k) => place[k]!),
      ...(federated && { federated: { ...federated, frequency: order.map((k) => federated.frequency[k]!) } }),
    },
    detections: { ...found, category: found.category.map((k) => place[k]!), unknownCategories: [] },
  }
}

/** Rows go by category first, as pycocotools puts them one behind the other: that decides between equal scores. */
function ofOneCategory({ truths, detections }: Tables): Tables {
  const count = truths.categoryIds.length
  const known = where(detections.category, (k) => k >= 0)
  const own = truthsAt(truths, groupBy(truths.category.length, truths.category, count).order)
  const found = detectionsAt(detections, groupBy(known, detections.category, count).order)
  const { federated: _, givenCategoryIds: __, ...rest } = own
  return {
    truths: {
      ...rest,
      categoryIds: Float64Array.of(1),
      categoryNames: ["object"],
      category: new Int32Array(own.category.length),
    },
    detections: { ...found, category: new Int32Array(found.category.length), unknownCategories: [] },
  }
}

function where(values: Int32Array, keep: (value: number) => boolean): Int32Array {
  return Int32Array.from(values.keys()).filter((i) => keep(values[i]!))
}
