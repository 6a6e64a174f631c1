import { DataError } from "../core/errors.js"
import { beginningOf } from "../json/beginning.js"
import { readCocoFile } from "../json/coco-file.js"
import type { CocoId } from "../json/coco-id.js"
import { type ByteChunks, readJsonLists } from "../json/lists.js"
import { RecordError, RecordReader } from "../json/record.js"
import type { JsonScanner } from "../json/scanner.js"
import { DetectionBuilder, RECORD } from "./detection-builder.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { TruthBuilder } from "./truth-builder.js"

/**
 * Truths from the bytes of COCO's annotation file, of any size: memory holds the columns and a few records.
 * @param source what errors call the file
 * @throws DataError naming the byte of broken JSON, or the record with a wrong type, a NaN or negative box, an unknown id
 */
export async function readCocoTruths(chunks: ByteChunks, source: string): Promise<TruthTable> {
  const builder = new TruthBuilder(source, "coco")
  await readCocoFile(chunks, source, {
    image: ({ id, name, width, height, ...lvis }) => builder.addImage(id, name ?? String(id), width, height, lvis),
    category: ({ id, name, frequency }) => builder.addCategory(id, name, frequency),
    // Field by field: a rest and a spread a truth would take longer than reading it.
    annotation: ({ id, imageId, categoryId, x, y, width, height, area, crowd, ignore }, index) =>
      builder.addTruth({
        id: id ?? index + 1,
        imageId,
        categoryId,
        x,
        y,
        width,
        height,
        area,
        crowd,
        difficult: ignore,
      }),
    fault(_, __, error) {
      throw error
    },
  })
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
  await readResultRecords(chunks, source, (numbers, results) => {
    if (!Number.isNaN(numbers[RECORD.imageId]! + numbers[RECORD.category]!)) return builder.addRecord(numbers)
    const [x, y, width, height] = numbers as unknown as [number, number, number, number]
    builder.add(results.id(1), results.id(2), x, y, width, height, numbers[RECORD.score]!)
  })
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
  record: (imageId: CocoId, categoryId: CocoId, box: Float64Array, score: number) => void,
): Promise<void> {
  await readResultRecords(chunks, source, (numbers, results) => {
    record(results.id(1), results.id(2), numbers, numbers[RECORD.score]!)
  })
}

/** @param record gets the numbers of each record, laid out as in `RECORD` and valid during the call */
async function readResultRecords(
  chunks: ByteChunks,
  source: string,
  record: (numbers: Float64Array, records: RecordReader) => void,
): Promise<void> {
  const results = new RecordReader(
    [
      ["bbox", "box"],
      ["image_id", "id"],
      ["category_id", "id"],
      ["score", "number"],
    ],
    (i) => `${source}: record ${i}`,
  )
  const read = (scanner: JsonScanner, index: number) => {
    results.read(scanner, index)
    record(results.numbers, results)
  }
  const expected = "a list of detections (COCO's results format)"
  const [start, whole] = await beginningOf(chunks)
  const readAnnotation = (scanner: JsonScanner, index: number) => {
    try {
      read(scanner, index)
    } catch (error) {
      if (!(error instanceof RecordError && error.problem === 'expected a field "score", got none')) throw error
      throw new DataError(`${source}: expected ${expected}, got ground truth: its annotations have no score`)
    }
  }
  const lists = isRecord(start)
    ? [{ name: "", lines: true, read }]
    : ["", ...LISTS].map((name) => ({ name, read: name === "annotations" ? readAnnotation : read }))
  const seen = await readJsonLists(whole, source, lists, expected)
  if (seen.size === 0)
    throw new DataError(`${source}: expected ${expected}, got an object without "${LISTS.join('", "')}"`)
}

/** Under which names people keep the list of detections when it is not the whole document. */
const LISTS = ["annotations", "predictions", "detections", "results"] as const

/** Whether a document begins with a detection, so that it is one a line. */
function isRecord(start: string): boolean {
  return /^\uFEFF?\s*\{\s*"(image_id|category_id|bbox|score|id|segmentation|area|iscrowd)"/.test(start)
}
