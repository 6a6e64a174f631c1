import { existsSync } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { z } from "zod"
import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import { expectPlace } from "../core/write-whole.js"
import { readCocoDetections, readCocoTruths } from "../eval/coco-stream.js"
import { isEvalDocument } from "../eval/compare-documents.js"
import { readTextFiles } from "../eval/read-files.js"
import { truthsFromDataset } from "../eval/records.js"
import { type EvalReport, evaluate } from "../eval/report.js"
import { subsetOf } from "../eval/subset.js"
import { type DetectionTable, namedCategories, type TruthTable } from "../eval/tables.js"
import {
  areInPixels,
  boxesOf,
  detectionsFromText,
  holdsBoxes,
  isClassNumber,
  type TextBoxes,
  type TextFile,
  textLines,
  truthsFromText,
} from "../eval/text-files.js"
import { detectionsFromVoc } from "../eval/voc-files.js"
import { detectionsFromYolo } from "../eval/yolo-files.js"
import { beginningOf } from "../json/beginning.js"
import { readBytes } from "../json/read-bytes.js"
import type { HowRead } from "./box-data.js"
import { parseOptions } from "./config.js"
import { type Listener, listenerOf, type TaskHooks } from "./hooks.js"
import type { ClassList } from "./names-beside.js"
import { reportOptionsOf, type ScorePredictionsOptions, scorePredictionsSchema } from "./options/evaluate.js"
import { withFiles } from "./with-files.js"

type Told = Pick<Listener, "log" | "fault">
type GivenTruths = Pick<z.output<typeof scorePredictionsSchema>, "gt" | "split"> & {
  readonly boxes?: TextBoxes | undefined
}

/**
 * Scores saved predictions; loads no engine and opens no picture. Ground truth counts as it was annotated.
 * @throws DataError for files that are not there or broken, naming file and record; an UnwrittenError with the figures when the
 *   page of `report` cannot be written
 */
export async function scorePredictions(given: ScorePredictionsOptions, hooks: TaskHooks = {}): Promise<EvalReport> {
  const options = parseOptions("scorePredictions", scorePredictionsSchema, given)
  const told = listenerOf(hooks)
  const { gt, predictions } = options
  if (options.report !== undefined) expectPlace(options.report)
  const wanted = reportOptionsOf(options)
  const truths = await readTruths(options, told, options)
  const detections = await readPredictions(truths, predictions, told, options)
  const part = subsetOf(truths, detections, options)
  const report = evaluate(part.truths, part.detections, wanted)
  return withFiles(report, async () => {
    if (options.report === undefined) return
    const [{ EvaluationReportFile }, { truthPhotos }] = await Promise.all([
      import("./write-evaluation-report.js"),
      import("./truth-photos.js"),
    ])
    const file = new EvaluationReportFile(options.report)
    const about = [
      ["predictions", predictions],
      ["ground truth", gt],
    ] as const
    await file.finish({ title: "Evaluation", about, report }, await truthPhotos(options, part.truths), told)
  })
}

/**
 * Ground truth from a COCO file, from the file of a COCO folder's split, from another data set's folder, or from text files.
 * Tells what was decided about it.
 * @param how a data set's folder is read
 */
export async function readTruths(
  { gt, split, boxes }: GivenTruths,
  { log, fault }: Told,
  how?: HowRead,
): Promise<TruthTable> {
  if (gt.toLowerCase().endsWith(".json")) return readCocoTruths(readBytes(gt), gt, log)
  const isFolder = (await stat(gt).catch(() => undefined))?.isDirectory() ?? false
  // The readers of data sets are needed for folders alone.
  const [{ cocoFileOf, isCoco }, { scoringPolicies }, { recognizeFormat }, { howReadOf, readBoxData }] =
    await Promise.all([
      import("../../datasets/coco-files.js"),
      import("../../datasets/faults.js"),
      import("../../datasets/read.js"),
      import("./box-data.js"),
    ])
  if (await holdsOnlyText(gt)) {
    const files = textLines(await readImageFiles(gt, "text files"), "truths")
    const form = boxes ?? boxesOf(files)
    log(`${gt}: text files of class and four numbers in pixels, read as ${form}; --boxes says otherwise`)
    return truthsFromText(files, form, gt)
  }
  if (isFolder && isCoco(gt) && recognizeFormat(gt) === "coco" && !split.includes("+")) {
    const file = cocoFileOf(gt, split)
    log(`${gt}: COCO data, split ${split}: ${file}`)
    return readCocoTruths(readBytes(file), file, log)
  }
  const options = { ...(how && howReadOf(how)), split, policies: scoringPolicies }
  return truthsFromDataset(await readBoxData(gt, options, { log, fault }))
}

const VOC_FILES = /^comp[34]_det_.+\.txt$/
const TEXT_FILES = /^(?!classes\.txt$|labels\.txt$).+\.txt$/

/** The text files of images; those called as lists of classes are only where there are boxes in them. */
async function readImageFiles(folder: string, expected: string, where?: "below"): Promise<TextFile[]> {
  const isOfImage = ({ name, text }: TextFile) => TEXT_FILES.test(basename(name)) || holdsBoxes(text)
  const files = (await readTextFiles(folder, /\.txt$/, expected, where)).filter(isOfImage)
  return files.length > 0 ? files : readTextFiles(folder, TEXT_FILES, expected, where)
}

/**
 * Detections from a results file or folder; its format is told by what is there. Images that the ground truth lacks are left out of
 * what `detect` made against the same.
 * @param given what the truths were read from
 */
export async function readPredictions(
  truths: TruthTable,
  path: string,
  { log }: Pick<Listener, "log">,
  given: GivenTruths,
): Promise<DetectionTable> {
  const { boxes } = given
  if (path === "-") return readCocoDetections(truths, process.stdin, "standard input", log)
  if (!(await found(path)).isDirectory()) {
    if (!/\.[ct]sv$/i.test(path)) return readJsonDetections(truths, path, log)
    const { detectionsFromCsv } = await import("../eval/csv-results.js")
    return detectionsFromCsv(truths, readBytes(path), path, log)
  }
  const names = await readdir(path)
  if (names.some((name) => VOC_FILES.test(name))) {
    return detectionsFromVoc(truths, await readTextFiles(path, VOC_FILES, "result files"))
  }
  const own = ["detections.jsonl", "coco_results.json", "detections.csv", "voc", "labels"].find((name) =>
    names.includes(name),
  )
  if (own !== undefined && !names.some((name) => TEXT_FILES.test(name))) {
    log(`${path}: reading ${own} of this output of detect`)
    const file = join(path, own)
    const { isMadeAgainst } = await import("./detection-record.js")
    if (own !== "detections.jsonl" || !isMadeAgainst(path, given)) return readPredictions(truths, file, { log }, given)
    return readCocoDetections(truths, readBytes(file), file, log, "left out")
  }
  const expected = "VOC's comp4_det_<set>_<class>.txt, or one <image>.txt an image"
  const files = await readImageFiles(path, expected, "below")
  // One file a class, as detectron2 writes them for VOC.
  if (files.every(({ name }) => truths.categoryNames.includes(name.slice(0, -4)))) {
    return detectionsFromVoc(truths, files.map(asVocFile))
  }
  const { namesBeside } = await import("./names-beside.js")
  const list = namesBeside(path)
  if (!areInPixels(files)) {
    log(numbersLine(path, truths, list))
    return detectionsFromYolo(truths, files, list?.names)
  }
  const lines = textLines(files, "detections")
  const form = boxes ?? boxesOf(lines)
  log(`${path}: text files of class, score and four numbers in pixels, read as ${form}; --boxes says otherwise`)
  const labels = lines.flatMap(({ lines }) => lines.map(({ label }) => label))
  if (labels.some((label) => isClassNumber(truths, label))) log(numbersLine(path, truths, list))
  return detectionsFromText(truths, lines, form, list?.names)
}

/** Detections from a file of JSON; what is one of figures is called so. */
async function readJsonDetections(truths: TruthTable, path: string, log: (line: string) => void) {
  try {
    const detections = await readCocoDetections(truths, readBytes(path), path, log)
    if (basename(path) !== "coco_results.json") return detections
    const { recordedCategories } = await import("./detection-record.js")
    const names = recordedCategories(dirname(path))
    if (names === undefined) return detections
    log(`${path}: category ids are read as the classes in detect.json`)
    return namedCategories(truths, detections, names)
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    const [start] = await beginningOf(readBytes(path))
    if (!isEvalDocument(new TextDecoder().decode(start))) throw error
    throw new DataError(
      `${path}: expected detections, got a document of eval --json, which holds figures alone. compare takes two of them without --gt`,
    )
  }
}

/** Which class a number in text files is. */
function numbersLine(path: string, { categoryNames }: TruthTable, list: ClassList | undefined): string {
  if (list !== undefined) return `${path}: class numbers are read as the names in ${list.file}`
  const first = categoryNames.slice(0, 3).map((name, k) => `${k} = ${shown(name)}`)
  return (
    `${path}: class numbers are read as the ground truth's classes in their order: ${first.join(", ")}` +
    `${categoryNames.length > 3 ? ", ..." : ""}; a classes.txt in it with a name a line says otherwise`
  )
}

const asVocFile = ({ name, text }: TextFile) => ({ name: `comp4_det_all_${name}`, text })

/** Whether a path is a folder of text files alone, as many tools write truths and detections. */
export async function holdsOnlyText(folder: string): Promise<boolean> {
  if (!(await found(folder)).isDirectory()) return false
  const names = (await readdir(folder)).filter((name) => !name.startsWith("."))
  return names.length > 0 && names.every((name) => name.endsWith(".txt")) && !existsSync(join(folder, "data.yaml"))
}

async function found(path: string) {
  return stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DataError(`${path}: expected a file or folder, got ${error.code ?? error.message}`)
  })
}
