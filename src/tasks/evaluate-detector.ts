import { chooseClasses } from "../../datasets/choose-classes.js"
import type { ImageRecord } from "../../datasets/dataset.js"
import { scoringPolicies } from "../../datasets/faults.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import type { Detections } from "../boxes/boxes.js"
import { UsageError } from "../core/errors.js"
import { expectPlace } from "../core/write-whole.js"
import { DetectionEvaluator } from "../eval/evaluator.js"
import type { EvalReport } from "../eval/report.js"
import { detectRecords } from "../predict/detect-records.js"
import { openNetwork } from "../predict/open-network.js"
import { engineLine } from "../predict/pixel-detector.js"
import { type BoxData, howReadOf, readBoxData, readDataOf } from "./box-data.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { weightsFiles } from "./named-weights.js"
import { lookOf } from "./options/detect.js"
import { type EvaluateDetectorOptions, evaluateDetectorSchema, reportOptionsOf } from "./options/evaluate.js"
import { ResultsFile } from "./results-file.js"
import { dataToScore, scoredImages } from "./run-data.js"
import { recordPhotos } from "./truth-photos.js"
import { withFiles } from "./with-files.js"
import { EvaluationReportFile } from "./write-evaluation-report.js"

/**
 * Runs a detector, or several that work as one, over a data set and scores it: without one, over what its training run was
 * validated on. An image that cannot be read is told and counts as empty.
 * @throws DataError when a file is not what it should be, or the split has no images; an AbortError when it was stopped; an
 *   UnwrittenError with the report when it, or the predictions, cannot be written at the end
 */
export async function evaluateDetector(given: EvaluateDetectorOptions, hooks: TaskHooks = {}): Promise<EvalReport> {
  const options = parseOptions("evaluateDetector", evaluateDetectorSchema, given)
  const listener = listenerOf(hooks)
  const { signal, log, fault, progress } = listener
  const { engine, precision, backbone } = options
  const { score: _, ...wished } = options
  const look = lookOf(wished)
  for (const path of [options.report, options.savePredictions]) if (path !== undefined) expectPlace(path)
  const toScore = dataToScore<BoxData>(options, listener)
  const weights = await weightsFiles(options.weights, options.offline, listener)
  const network = await openNetwork(weights, { engine, precision, detect: look, backbone })
  try {
    log(engineLine(network))
    const { data, split } = toScore
    const { singleClass } = toScore.how
    const how = { split, ...howReadOf(toScore.how), policies: scoringPolicies }
    const read = singleClass
      ? chooseClasses(await readBoxData(data, { ...how, classes: null }, { log, fault }), { singleClass })
      : await readDataOf(network.classes, data, how, { log, fault })
    const set = scoredImages(read, toScore, listener)
    if (singleClass && set.classes.join() !== network.classes.join()) {
      throw new UsageError(
        `--single-class: the detector knows ${network.classes.join(", ")}. Give one that was trained with --single-class`,
      )
    }
    const total = set.images.length
    const onImage = (done: number) => progress({ job: "eval", done, total })
    onImage(0)
    const faults = new PhotoFaults(set.source)
    const evaluator = DetectionEvaluator.of(set, reportOptionsOf(options))
    // A report of nothing: slices or a hierarchy that the data do not fit are told before the photos are looked at.
    evaluator.report()
    const page = options.report === undefined ? undefined : new EvaluationReportFile(options.report)
    const results = options.savePredictions === undefined ? undefined : new ResultsFile(options.savePredictions, set)
    const take = (image: ImageRecord, found: Detections) => {
      results?.add(image, found)
      evaluator.addImage(image.imageId, found)
    }
    try {
      await detectRecords(network, set.images, look, take, { faults, signal, onImage })
      for (const one of faults.faults) fault(one)
      signal.throwIfAborted()
      const report = evaluator.report()
      const about = [
        ["weights", weights.join(", ")],
        ["data", set.source],
        ["split", set.split],
      ] as const
      return await withFiles(report, async () => {
        results?.finish()
        if (results !== undefined) log(`predictions: ${options.savePredictions}`)
        await page?.finish({ title: "Evaluation", about, report }, recordPhotos(set.images), listener)
      })
    } catch (error) {
      results?.discard()
      page?.discard()
      throw error
    }
  } finally {
    network.dispose()
  }
}
