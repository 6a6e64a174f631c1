import type { LabelledSet } from "../../datasets/labelled-set.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import type { UnreadImage } from "../classify/decoded-batches.js"
import { type ScoredSet, scoreSet } from "../classify/evaluate.js"
import type { Scorer } from "../classify/scorer.js"
import { DataError, UsageError } from "../core/errors.js"
import { expectPlace } from "../core/write-whole.js"
import { bestClasses, type ClassificationReport, classificationReport, rowOf } from "../eval/classification.js"
import { shortNumber } from "../predict/short-number.js"
import { StagedFile } from "../predict/staged-file.js"
import { classNames } from "./class-names.js"
import { parseOptions } from "./config.js"
import { countOff, listenerOf, type TaskHooks } from "./hooks.js"
import { openScorer } from "./open-scorer.js"
import { type EvaluateClassifierOptions, evaluateClassifierSchema } from "./options/classify.js"
import { dataToScore, scoredPictures } from "./run-data.js"
import { withFiles } from "./with-files.js"

export interface ClassifierEvaluation {
  readonly report: ClassificationReport
  /** Images of the split. */
  readonly images: number
  /** Those that could not be read; the report leaves them out. */
  readonly failed: readonly UnreadImage[]
}

/**
 * Scores one or several classifiers on a labelled set, or what their training run was validated on: top-1 and top-5 error.
 * @throws DataError for data or weights that are not what they should be, the signal's reason when it ends early, an
 *   UnwrittenError with the evaluation when the scores per image cannot be written at the end
 */
export async function evaluateClassifier(
  options: EvaluateClassifierOptions,
  hooks: TaskHooks = {},
): Promise<ClassifierEvaluation> {
  const config = parseOptions("evaluateClassifier", evaluateClassifierSchema, options)
  const { perImage, batch } = config
  const listener = listenerOf(hooks)
  const { log, signal } = listener
  if (perImage !== undefined) expectPlace(perImage)
  const toScore = dataToScore<string>(config, listener)
  const { data, split, how } = toScore
  const scorer = await openScorer(config, listener)
  try {
    const classes = foldersOf(scorer, config.classes)
    const read = await readLabelled(data, { split, classes, followLinks: how.followLinks })
    if (config.classes === "imagenet") expectImageNet(read)
    for (const notice of read.notices ?? []) log(notice)
    const set = scoredPictures(read, toScore, listener)
    const images = set.labels.length
    log(`${data}: split ${set.split}, ${images} images`)
    for (const fault of set.faults) listener.fault(fault)
    const told = countOff(listener, "classify")
    const scored = await scoreSet(set, scorer, { batch, signal, onImages: (done) => told(done, images) })
    const { failed } = scored
    for (const { name, message } of failed) log(`${name}: skipped: ${message}`)
    signal.throwIfAborted()
    const report = classificationReport(scored.scores, scored.labels, set.classes)
    return await withFiles({ report, images, failed }, () => {
      if (perImage !== undefined) writeScores(perImage, set, scored)
    })
  } finally {
    scorer.dispose()
  }
}

/** The folder of each class of a network; null: all that are there, by name. */
function foldersOf(
  { classes: known, isNumbered }: Pick<Scorer, "classes" | "isNumbered">,
  given: string | readonly string[] | undefined,
): readonly string[] | null {
  if (!isNumbered) {
    if (given === undefined) return known
    throw new UsageError(
      `--classes: the classifier has names of its own: ${known.slice(0, 3).join(", ")}. Leave it out`,
    )
  }
  if (given === undefined || given === "imagenet") return null
  return classNames(given, known.length).map((line) => synset.exec(line)?.[0] ?? line)
}

/** How ImageNet calls a class, before what else a line says of it. */
const synset = /^n\d{8}(?=\s|$)/

/** In their order by name a class is where torchvision's networks have it. */
function expectImageNet({ source, classes }: LabelledSet): void {
  const named = classes.filter((name) => synset.test(name)).length
  if (named === 1000 && classes.length === 1000) return
  throw new DataError(
    `${source}: has ${named} of ImageNet's 1,000 folders (n01440764, ...) among ${classes.length}. Name all classes by a file: ` +
      "--classes LOC_synset_mapping.txt",
  )
}

function writeScores(
  file: string,
  set: Pick<LabelledSet, "classes" | "name">,
  { scores, labels, images }: ScoredSet,
): void {
  const { classes } = set
  const out = new StagedFile(file)
  try {
    for (const [n, label] of labels.entries()) {
      const row = rowOf(scores, n, classes.length)
      const said = classes[bestClasses(row, 1)[0]!]
      const line = { image: set.name(images[n]!), truth: classes[label], said, scores: Array.from(row, shortNumber) }
      out.write(`${JSON.stringify(line)}\n`)
    }
    out.finish()
  } catch (error) {
    out.discard()
    throw error
  }
}
