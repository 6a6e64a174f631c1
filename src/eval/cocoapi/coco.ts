import { DataError, UsageError } from "../../core/errors.js"
import { type ByteChunks, readJsonLists } from "../../json/lists.js"
import type { CocoAnnotation, CocoCategory, CocoDataset, CocoId, CocoImage, CocoResult } from "./records.js"

/** A file as a browser has it, a stream, or pieces of bytes. */
export type BytesSource = ByteChunks | Blob | ReadableStream<Uint8Array>

/** Which annotations; an empty list does not filter. */
export interface AnnotationFilter {
  readonly imgIds?: CocoId | readonly CocoId[]
  readonly catIds?: CocoId | readonly CocoId[]
  /** Square pixels; both ends are outside, unlike in `Params.areaRng`. */
  readonly areaRng?: readonly [] | readonly [number, number]
  readonly iscrowd?: boolean | 0 | 1
}

/** Which categories; an empty list does not filter. */
export interface CategoryFilter {
  readonly catNms?: string | readonly string[]
  readonly supNms?: string | readonly string[]
  readonly catIds?: CocoId | readonly CocoId[]
}

/**
 * COCO's annotations and the questions one asks of them, named as in pycocotools. Python's keyword arguments are one
 * object here, its dictionaries are Maps, and nothing is printed.
 * @source pycocotools coco.py
 */
export class COCO {
  dataset: CocoDataset
  anns = new Map<CocoId, CocoAnnotation>()
  cats = new Map<CocoId, CocoCategory>()
  imgs = new Map<CocoId, CocoImage>()
  imgToAnns = new Map<CocoId, CocoAnnotation[]>()
  catToImgs = new Map<CocoId, CocoId[]>()

  /** @param dataset the parsed annotation file */
  constructor(dataset: CocoDataset = {}) {
    if (typeof dataset !== "object" || Array.isArray(dataset)) {
      throw new DataError("COCO: expected COCO's annotation file as an object with images, annotations and categories")
    }
    this.dataset = dataset
    this.createIndex()
  }

  /**
   * From the bytes of an annotation file of any size: `createReadStream(path)`, a `File`, a response's `body`.
   * @param source what errors call the file
   * @throws DataError naming the byte of broken JSON
   */
  static async read(bytes: BytesSource, source = "annotations"): Promise<COCO> {
    const lists = { images: [], annotations: [], categories: [] } as Record<string, unknown[]>
    const dataset: Record<string, unknown> = { ...lists }
    const expected = `an object with the lists "images", "annotations" and "categories" (COCO's annotation file)`
    await readJsonLists(
      chunksOf(bytes),
      source,
      [
        ...Object.entries(lists).map(([name, list]) => ({
          name,
          read: (scanner: { value(): unknown }) => {
            list.push(scanner.value())
          },
        })),
        ...["info", "licenses"].map((name) => ({
          name,
          single: true,
          read: (scanner: { value(): unknown }) => {
            dataset[name] = scanner.value()
          },
        })),
      ],
      expected,
    )
    return new COCO(dataset as CocoDataset)
  }

  /** Makes the Maps anew; call it after changing `dataset`. */
  createIndex(): void {
    const { annotations = [], images = [], categories } = this.dataset
    this.anns = new Map()
    this.imgToAnns = new Map()
    this.catToImgs = new Map()
    for (const annotation of annotations) {
      this.anns.set(annotation.id, annotation)
      append(this.imgToAnns, annotation.image_id, annotation)
      if (categories) append(this.catToImgs, annotation.category_id, annotation.image_id)
    }
    this.imgs = new Map(images.map((image) => [image.id, image]))
    this.cats = new Map((categories ?? []).map((category) => [category.id, category]))
  }

  /** The lines of the file's `info`, which pycocotools prints. */
  info(): string {
    return Object.entries(this.dataset.info ?? {})
      .map(([key, value]) => `${key}: ${value}`)
      .join("\n")
  }

  getAnnIds({ imgIds = [], catIds = [], areaRng = [], iscrowd }: AnnotationFilter = {}): CocoId[] {
    const images = listOf(imgIds)
    const categories = new Set(listOf(catIds))
    const from =
      images.length === 0 ? (this.dataset.annotations ?? []) : images.flatMap((id) => this.imgToAnns.get(id) ?? [])
    const ids: CocoId[] = []
    for (const annotation of from) {
      if (categories.size > 0 && !categories.has(annotation.category_id)) continue
      const area = areaOf(annotation)
      if (areaRng.length === 2 && !(area > areaRng[0] && area < areaRng[1])) continue
      if (iscrowd !== undefined && Number(iscrowd) !== Number(annotation.iscrowd ?? 0)) continue
      ids.push(annotation.id)
    }
    return ids
  }

  getCatIds({ catNms = [], supNms = [], catIds = [] }: CategoryFilter = {}): CocoId[] {
    const names = listOf(catNms)
    const groups = listOf(supNms)
    const ids = listOf(catIds)
    return (this.dataset.categories ?? [])
      .filter(({ name }) => names.length === 0 || names.includes(name as string))
      .filter(({ supercategory }) => groups.length === 0 || groups.includes(supercategory as string))
      .filter(({ id }) => ids.length === 0 || ids.includes(id))
      .map(({ id }) => id)
  }

  /** Images among `imgIds` with all of `catIds`. */
  getImgIds({
    imgIds = [],
    catIds = [],
  }: {
    readonly imgIds?: CocoId | readonly CocoId[]
    readonly catIds?: CocoId | readonly CocoId[]
  } = {}): CocoId[] {
    const categories = listOf(catIds)
    const images = listOf(imgIds)
    if (images.length === 0 && categories.length === 0) return [...this.imgs.keys()]
    let ids = new Set(images)
    categories.forEach((id, i) => {
      const inCategory = new Set(this.catToImgs.get(id))
      ids = i === 0 && ids.size === 0 ? inCategory : new Set([...ids].filter((image) => inCategory.has(image)))
    })
    return [...ids]
  }

  /** @throws UsageError for an unknown id */
  loadAnns(ids: CocoId | readonly CocoId[] = []): CocoAnnotation[] {
    return listOf(ids).map((id) => found(this.anns, id, "annotation"))
  }

  /** @throws UsageError for an unknown id */
  loadCats(ids: CocoId | readonly CocoId[] = []): CocoCategory[] {
    return listOf(ids).map((id) => found(this.cats, id, "category"))
  }

  /** @throws UsageError for an unknown id */
  loadImgs(ids: CocoId | readonly CocoId[] = []): CocoImage[] {
    return listOf(ids).map((id) => found(this.imgs, id, "image"))
  }

  /**
   * Results as a `COCO` of their own, with ids from 1, areas and boxes as polygons. Unlike in pycocotools the records
   * handed in stay as they are, and no results are fine.
   * @throws DataError for results that are no list of boxes, or name an image that is not here
   */
  loadRes(results: readonly CocoResult[]): COCO {
    if (!Array.isArray(results)) throw new DataError("loadRes: expected a list of results")
    const { info = {}, images = [], categories = [] } = this.dataset
    const annotations = (results as readonly CocoResult[]).map((result, i) => {
      if (!this.imgs.has(result.image_id)) {
        throw new DataError(
          `loadRes: record ${i}: image_id ${result.image_id} is not among the ${this.imgs.size} images`,
        )
      }
      return asAnnotation(result, i)
    })
    return new COCO({ info, images, categories, annotations })
  }

  /**
   * `loadRes` from the bytes of a results file of any size.
   * @param source what errors call the file
   * @throws DataError naming the byte of broken JSON
   */
  async readRes(bytes: BytesSource, source = "results"): Promise<COCO> {
    const results: CocoResult[] = []
    const read = (scanner: { value(): unknown }) => {
      results.push(scanner.value() as CocoResult)
    }
    await readJsonLists(chunksOf(bytes), source, [{ name: "", read }], "a list of detections (COCO's results format)")
    return this.loadRes(results)
  }
}

/** An annotation's area, or that of its box. */
export function areaOf({ area, bbox }: CocoAnnotation): number {
  return area ?? bbox[2]! * bbox[3]!
}

function asAnnotation(result: CocoResult, i: number): CocoAnnotation {
  const { bbox } = result
  if (!Array.isArray(bbox) || bbox.length !== 4) {
    const other = ["segmentation", "keypoints", "caption"].find((key) => key in result)
    const reason = other === undefined ? "" : `; results of "${other}" alone are not evaluated`
    throw new DataError(`loadRes: record ${i}: expected a bbox of four numbers${reason}`)
  }
  const [x, y, width, height] = bbox as [number, number, number, number]
  const polygon = [x, y, x, y + height, x + width, y + height, x + width, y]
  return { segmentation: [polygon], ...result, bbox, area: width * height, id: i + 1, iscrowd: 0 }
}

function chunksOf(bytes: BytesSource): ByteChunks {
  const stream = typeof Blob !== "undefined" && bytes instanceof Blob ? bytes.stream() : bytes
  // Not every browser's streams can be iterated over.
  return "getReader" in stream ? piecesOf(stream as ReadableStream<Uint8Array>) : (stream as ByteChunks)
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value
}

function listOf<T extends number | string>(one: T | readonly T[]): readonly T[] {
  return Array.isArray(one) ? one : [one as T]
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

function found<T>(records: ReadonlyMap<CocoId, T>, id: CocoId, kind: string): T {
  const record = records.get(id)
  if (record === undefined) throw new UsageError(`COCO: ${kind} ${id} is not among the ${records.size} that there are`)
  return record
}
