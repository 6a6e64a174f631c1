import { DataError } from "../core/errors.js"
import { type ByteChunks, readJsonLists } from "../json/lists.js"
import type { JsonScanner } from "../json/scanner.js"
import { DetectionBuilder, RECORD } from "./detection-builder.js"
import { RecordReader } from "./json-record.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { TruthBuilder } from "./truth-builder.js"

/**
 * Truths from the bytes of COCO's annotation file, of any size: memory holds the columns and a few records.
 * @param source what errors call the file
 * @throws DataError naming the byte of broken JSON, or the record with a wrong type, a NaN or negative box, an unknown id
 */
export async function readCocoTruths(chunks: ByteChunks, source: string): Promise<TruthTable> {
  const builder = new TruthBuilder(source)
  const images = new RecordReader(
    [
      ["id", "whole"],
      ["file_name", "text?"],
      ["width", "number?"],
      ["height", "number?"],
      ["neg_category_ids", "ids?"],
      ["not_exhaustive_category_ids", "ids?"],
    ],
    (i) => `${source}: images[${i}]`,
  )
  const categories = new RecordReader(
    [
      ["id", "whole"],
      ["name", "text?"],
      ["frequency", "text?"],
    ],
    (i) => `${source}: categories[${i}]`,
  )
  const truths = new RecordReader(
    [
      ["bbox", "box"],
      ["image_id", "whole"],
      ["category_id", "whole"],
      ["id", "whole?"],
      ["area", "number?"],
      ["iscrowd", "flag?"],
    ],
    (i) => `${source}: annotations[${i}]`,
  )
  const expected = `an object with the lists "images", "annotations" and "categories" (COCO's annotation file)`
  const seen = await readJsonLists(
    chunks,
    source,
    [
      {
        name: "images",
        read: (scanner, index) => {
          images.read(scanner, index)
          const id = images.numbers[0]!
          const name = images.present[1] === 1 ? images.texts[1]! : String(id)
          builder.addImage(id, name, images.optional(2) ?? 0, images.optional(3) ?? 0, {
            negative: images.present[4] === 1 ? images.lists[4] : undefined,
            notExhaustive: images.present[5] === 1 ? images.lists[5] : undefined,
          })
        },
      },
      {
        name: "categories",
        read: (scanner, index) => {
          categories.read(scanner, index)
          const id = categories.numbers[0]!
          const name = categories.present[1] === 1 ? categories.texts[1]! : String(id)
          builder.addCategory(id, name, categories.present[2] === 1 ? categories.texts[2]! : "")
        },
      },
      {
        name: "annotations",
        read: (scanner, index) => {
          truths.read(scanner, index)
          const { numbers } = truths
          builder.addTruth({
            id: truths.optional(3) ?? index + 1,
            imageId: numbers[4]!,
            categoryId: numbers[5]!,
            x: numbers[0]!,
            y: numbers[1]!,
            width: numbers[2]!,
            height: numbers[3]!,
            area: truths.optional(4),
            crowd: (truths.optional(5) ?? 0) !== 0,
            difficult: false,
          })
        },
      },
    ],
    expected,
  )
  for (const list of ["images", "categories", "annotations"]) {
    if (!seen.has(list)) throw new DataError(`${source}: expected ${expected}, got no "${list}"`)
  }
  return builder.finish()
}

/**
 * Detections from the bytes of a COCO results file, of any size: memory holds the columns and a few records.
 * @param source what errors call the file
 * @throws DataError naming the byte of broken JSON, or the record with a wrong type, a NaN or negative box, an unknown
 *   image id
 */
export async function readCocoDetections(
  truths: TruthTable,
  chunks: ByteChunks,
  source: string,
): Promise<DetectionTable> {
  const builder = new DetectionBuilder(truths, source)
  await readResultRecords(chunks, source, (numbers) => builder.addRecord(numbers))
  return builder.finish()
}

/**
 * Walks over a COCO results file of any size at constant memory, one call a record.
 * @param record `box` is x, y, width, height in image pixels; it is only valid during the call
 * @throws DataError naming the byte of broken JSON, or the record with a wrong type
 */
export async function readCocoResults(
  chunks: ByteChunks,
  source: string,
  record: (imageId: number, categoryId: number, box: Float64Array, score: number) => void,
): Promise<void> {
  await readResultRecords(chunks, source, (numbers) => {
    record(numbers[RECORD.imageId]!, numbers[RECORD.category]!, numbers, numbers[RECORD.score]!)
  })
}

/** @param record gets the numbers of each record, laid out as in `RECORD` and valid during the call */
async function readResultRecords(
  chunks: ByteChunks,
  source: string,
  record: (numbers: Float64Array) => void,
): Promise<void> {
  const results = new RecordReader(
    [
      ["bbox", "box"],
      ["image_id", "whole"],
      ["category_id", "whole"],
      ["score", "number"],
    ],
    (i) => `${source}: record ${i}`,
  )
  const read = (scanner: JsonScanner, index: number) => {
    results.read(scanner, index)
    record(results.numbers)
  }
  await readJsonLists(chunks, source, [{ name: "", read }], "a list of detections (COCO's results format)")
}
