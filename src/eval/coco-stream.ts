import { DataError } from "../core/errors.js"
import { readCocoFile } from "../json/coco-file.js"
import type { CocoId } from "../json/coco-id.js"
import { type ByteChunks, type ListReader, readJsonLists } from "../json/lists.js"
import { outlineNotice } from "../json/outline.js"
import { RecordReader } from "../json/record.js"
import { RecordError } from "../json/record-field.js"
import type { JsonScanner } from "../json/scanner.js"
import { detectLines } from "./detect-lines.js"
import { DetectionBuilder, RECORD } from "./detection-builder.js"
import type { DetectionTable, TruthTable } from "./tables.js"
import { TruthBuilder } from "./truth-builder.js"

/**
 * Truths from the bytes of COCO's annotation file, of any size: memory holds the columns and a few records.
 * @param source what errors call the file
 * @param log is told what was decided about it
 * @throws DataError naming the byte of broken JSON, or the record with a wrong type, a NaN or negative box, an unknown id
 */
export async function readCocoTruths(
  chunks: ByteChunks,
  source: string,
  log: (line: string) => void = () => {},
): Promise<TruthTable> {
  const builder = new TruthBuilder(source, "coco")
  let outlines = 0
  await readCocoFile(chunks, source, {
    image: ({ id, name, width, height, ...lvis }) => builder.addImage(id, name ?? String(id), width, height, lvis),
    category: ({ id, name, frequency }) => builder.addCategory(id, name, frequency),
    // Field by field: a rest and a spread a truth would take longer than reading it.
    annotation: ({ id, imageId, categoryId, x, y, width, height, area, crowd, ignore, outlined }, index) => {
      if (outlined) outlines++
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
      })
    },
    fault(_, __, error) {
      throw error
    },
  })
  if (outlines > 0) log(outlineNotice(source, outlines, "annotations"))
  return builder.finish()
}

/**
 * Detections from the bytes of a results file, of any size: COCO's, or the lines that `resdet detect` writes. Memory holds the
 * columns and a few records.
 * @param source what errors call the file
 * @param log is told what was decided about it
 * @param unknownImages what to do with the lines of images that the truths lack
 * @throws DataError naming the byte of broken JSON, or the record with a wrong type, a NaN or negative box, an unknown
 *   image id
 */
export async function readCocoDetections(
  truths: TruthTable,
  chunks: ByteChunks,
  source: string,
  log: (line: string) => void = () => {},
  unknownImages: "refused" | "left out" = "refused",
): Promise<DetectionTable> {
  const builder = new DetectionBuilder(truths, source)
  let outlines = 0
  let leftOut = 0
  const onUnknown = unknownImages === "left out" ? () => leftOut++ : undefined
  const record = (numbers: Float64Array, results: RecordReader) => {
    if (results.isOutlined) outlines++
    if (!Number.isNaN(numbers[RECORD.imageId]! + numbers[RECORD.category]!)) return builder.addRecord(numbers)
    const [x, y, width, height] = numbers as unknown as [number, number, number, number]
    builder.add(results.id(1), results.id(2), x, y, width, height, numbers[RECORD.score]!)
  }
  await readResultRecords(chunks, source, record, [detectLines(builder, source, onUnknown)])
  if (leftOut > 0) log(`${source}: ${leftOut} images that the ground truth lacks are left out`)
  if (outlines > 0) log(outlineNotice(source, outlines, "records"))
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

/** Under which names people keep the list of detections when it is not the whole document. */
const LISTS = ["annotations", "predictions", "detections", "results"] as const

/** What a detection may begin with, where each has a line of its own. */
const FIRST_KEYS = ["image_id", "category_id", "bbox", "score", "id", "segmentation", "area", "iscrowd"]

/**
 * @param record gets the numbers of each record, laid out as in `RECORD` and valid during the call
 * @param others readers of lines of other kinds
 */
async function readResultRecords(
  chunks: ByteChunks,
  source: string,
  record: (numbers: Float64Array, records: RecordReader) => void,
  others: readonly ListReader[] = [],
): Promise<void> {
  const results = new RecordReader(
    [
      ["bbox", "box"],
      ["image_id", "id"],
      ["category_id", "id"],
      ["score", "number"],
      ["segmentation", "outline?"],
    ],
    (i) => `${source}: record ${i}`,
  )
  const read = (scanner: JsonScanner, index: number) => {
    results.read(scanner, index)
    record(results.numbers, results)
  }
  const expected = "a list of detections (COCO's results format)"
  const readAnnotation = (scanner: JsonScanner, index: number) => {
    try {
      read(scanner, index)
    } catch (error) {
      if (!(error instanceof RecordError && error.problem === 'expected a field "score", got none')) throw error
      throw new DataError(`${source}: expected ${expected}, got ground truth: its annotations have no score`)
    }
  }
  const lists = LISTS.map((name) => ({ name, read: name === "annotations" ? readAnnotation : read }))
  const seen = await readJsonLists(
    chunks,
    source,
    [{ name: "", lines: FIRST_KEYS, read }, ...lists, ...others],
    expected,
  )
  if (seen.size === 0)
    throw new DataError(`${source}: expected ${expected}, got an object without "${LISTS.join('", "')}"`)
}
