import { DataError } from "../core/errors.js"
import type { CocoId } from "./coco-id.js"
import { type ByteChunks, type ListReader, readJsonLists, readJsonListsSync } from "./lists.js"
import { RecordReader } from "./record.js"
import { RecordError } from "./record-field.js"
import type { JsonScanner } from "./scanner.js"

/** An image of COCO's annotation file. */
export interface CocoFileImage {
  readonly id: CocoId
  /** `file_name`, else the end of LVIS's `coco_url` (`val2017/000000397133.jpg`). */
  readonly name: string | undefined
  /** Pixels; 0 where the file does not say. */
  readonly width: number
  readonly height: number
  /** LVIS: categories known to be absent. */
  readonly negative: readonly number[] | undefined
  /** LVIS: categories of which there may be more than is annotated. */
  readonly notExhaustive: readonly number[] | undefined
}

interface CocoFileCategory {
  readonly id: CocoId
  /** The id where the file has no name. */
  readonly name: string
  /** LVIS: "r", "c" or "f"; "" elsewhere. */
  readonly frequency: string
}

export interface CocoFileAnnotation {
  readonly id: CocoId | undefined
  readonly imageId: CocoId
  readonly categoryId: CocoId
  /** In image pixels, as the file has them: possibly NaN, negative or outside. Without a `bbox` the extent of the `segmentation`. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Square pixels. */
  readonly area: number | undefined
  readonly crowd: boolean
  /** `ignore` is set: difficult, where a file was made from VOC's. pycocotools does not look at it. */
  readonly ignore: boolean
  /** The box is the extent of the segmentation. */
  readonly outlined: boolean
}

type CocoList = "images" | "categories" | "annotations"

/** Takes what a file says, record by record in its order; `index` is a record's place in its list. */
export interface CocoFileSink {
  image(image: CocoFileImage, index: number): void
  category(category: CocoFileCategory, index: number): void
  annotation(annotation: CocoFileAnnotation, index: number): void
  /** Decides about a record whose fields are not what they should be: throws `error`, or notes it and the record is left out. */
  fault(list: CocoList, index: number, error: RecordError): void
}

const expected = `an object with the lists "images", "annotations" and "categories" (COCO's annotation file)`

/**
 * Reads COCO's annotation file of any size, at the memory of a few records. What it says is not judged: unknown ids, boxes
 * outside and repeated records are for the sink.
 * @param source what errors call the file
 * @throws DataError naming the byte of broken JSON, or a list that is missing
 */
export async function readCocoFile(chunks: ByteChunks, source: string, sink: CocoFileSink): Promise<void> {
  expectLists(await readJsonLists(chunks, source, cocoLists(source, sink), expected), source)
}

/** `readCocoFile` for bytes that are there at once, such as those of `readBytes`. */
export function readCocoFileSync(chunks: Iterable<Uint8Array>, source: string, sink: CocoFileSink): void {
  expectLists(readJsonListsSync(chunks, source, cocoLists(source, sink), expected), source)
}

function expectLists(seen: ReadonlySet<string>, source: string): void {
  for (const list of ["images", "categories", "annotations"]) {
    if (!seen.has(list)) throw new DataError(`${source}: expected ${expected}, got no "${list}"`)
  }
}

function cocoLists(source: string, sink: CocoFileSink): ListReader[] {
  const images = new RecordReader(
    [
      ["id", "id"],
      ["file_name", "text?"],
      ["width", "number~"],
      ["height", "number~"],
      ["neg_category_ids", "ids?"],
      ["not_exhaustive_category_ids", "ids?"],
      ["coco_url", "text~"],
    ],
    (i) => `${source}: images[${i}]`,
  )
  const categories = new RecordReader(
    [
      ["id", "id"],
      ["name", "text?"],
      ["frequency", "text~"],
    ],
    (i) => `${source}: categories[${i}]`,
  )
  const annotations = new RecordReader(
    [
      ["bbox", "box"],
      ["image_id", "id"],
      ["category_id", "id"],
      ["id", "id?"],
      ["area", "number~"],
      ["iscrowd", "flag?"],
      ["ignore", "flag~"],
      ["segmentation", "outline?"],
    ],
    (i) => `${source}: annotations[${i}]`,
  )
  return [
    reading("images", images, sink, (index) => {
      const url = images.text(6)
      sink.image(
        {
          id: images.id(0),
          name: images.text(1) ?? url?.split("/").slice(-2).join("/"),
          width: images.optional(2) ?? 0,
          height: images.optional(3) ?? 0,
          negative: images.present[4] === 1 ? images.lists[4] : undefined,
          notExhaustive: images.present[5] === 1 ? images.lists[5] : undefined,
        },
        index,
      )
    }),
    reading("categories", categories, sink, (index) => {
      const id = categories.id(0)
      sink.category({ id, name: categories.text(1) ?? String(id), frequency: categories.text(2) ?? "" }, index)
    }),
    reading("annotations", annotations, sink, (index) => {
      const { numbers } = annotations
      sink.annotation(
        {
          id: annotations.present[3] === 1 ? annotations.id(3) : undefined,
          imageId: annotations.id(1),
          categoryId: annotations.id(2),
          x: numbers[0]!,
          y: numbers[1]!,
          width: numbers[2]!,
          height: numbers[3]!,
          area: annotations.optional(4),
          crowd: (annotations.optional(5) ?? 0) !== 0,
          ignore: (annotations.optional(6) ?? 0) !== 0,
          outlined: annotations.isOutlined,
        },
        index,
      )
    }),
  ]
}

/** Hands over each record that is what it should be, and the others' errors. */
function reading(name: CocoList, records: RecordReader, sink: CocoFileSink, take: (index: number) => void): ListReader {
  const read = (scanner: JsonScanner, index: number) => {
    const start = scanner.at
    try {
      records.read(scanner, index)
    } catch (error) {
      if (!(error instanceof RecordError)) throw error
      // To the end of the record first: it may have to be read again with more bytes.
      scanner.at = start
      scanner.skip()
      sink.fault(name, index, error)
      return
    }
    take(index)
  }
  return { name, read }
}
