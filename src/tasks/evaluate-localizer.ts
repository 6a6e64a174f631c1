import { UsageError } from "../core/errors.js"
import { expectPlace, writeWhole } from "../core/write-whole.js"
import { type LocalizationFigures, localizationFigures } from "../localize/figures.js"
import { localizeDataset } from "../localize/localize-dataset.js"
import { type BoxData, howReadOf, readBoxData } from "./box-data.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { classNumbers, submissionLine } from "./localization-submission.js"
import { type EvaluateLocalizerOptions, evaluateLocalizerSchema } from "./options/localize.js"
import { dataToScore, scoredImages } from "./run-data.js"
import { withFiles } from "./with-files.js"
import { withLocalizer } from "./with-localizer.js"

export interface LocalizerEvaluation {
  /** Those that need a classifier are NaN without one. */
  readonly figures: LocalizationFigures
  /** Images that could not be read; they count as wrong. */
  readonly failed: readonly { readonly file: string; readonly message: string }[]
}

/**
 * Scores a localizer on data with boxes, or what its training run was validated on: ImageNet's localization error.
 * @throws UsageError for a submission without a classifier; DataError when a file is not what it should be or the split has no
 *   images; the signal's reason when it ends early; an UnwrittenError with the evaluation when the submission cannot be written
 */
export async function evaluateLocalizer(
  options: EvaluateLocalizerOptions,
  hooks: TaskHooks = {},
): Promise<LocalizerEvaluation> {
  const config = parseOptions("evaluateLocalizer", evaluateLocalizerSchema, options)
  const { submission } = config
  const listener = listenerOf(hooks)
  const { log, signal } = listener
  if (submission !== undefined && config.classifier === undefined) {
    throw new UsageError("--submission: expected --classifier, whose five guesses it has")
  }
  if (submission !== undefined) expectPlace(submission)
  const toScore = dataToScore<BoxData>(config, listener)
  return withLocalizer(config, listener, async (localizer, look, guess) => {
    const numbers = submission === undefined ? [] : classNumbers(localizer.classes, config.classIds)
    const { data, split, how } = toScore
    const read = await readBoxData(data, { split, classes: localizer.classes, ...howReadOf(how) }, listener)
    const set = scoredImages(read, toScore, listener)
    const told = countOff(listener, "localize")
    const onImage = (done: number) => told(done, set.images.length)
    const { perImage, failed } = await localizeDataset(localizer.members, set.images, look, { guess, signal, onImage })
    for (const { file, message } of failed) log(`${file}: ${message}`)
    signal.throwIfAborted()
    return withFiles({ figures: localizationFigures(set.images, perImage), failed }, () => {
      if (submission === undefined) return
      const lines = perImage.map((found) => submissionLine(found?.guessed ?? [], numbers))
      writeWhole(submission, lines.map((line) => `${line}\n`).join(""))
      log(`${submission}: a line for each of ${lines.length} images, in the order of the split`)
    })
  })
}
