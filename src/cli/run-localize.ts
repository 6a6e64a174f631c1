import { formatFault } from "../../datasets/faults.js"
import { decodeImage, ImageError } from "../../datasets/image/decode.js"
import { readDataset } from "../../datasets/read.js"
import { makeScorer, type Scorer } from "../classify/scorer.js"
import { cropSizes } from "../classify/test-crops.js"
import type { EngineChoice } from "../engine/names.js"
import { startEngine } from "../engine/start.js"
import { type LocalizationFigures, localizationFigures } from "../localize/figures.js"
import { classifierGuesses } from "../localize/guess.js"
import { type GuessClasses, localizeDataset } from "../localize/localize-dataset.js"
import { type LocalizeOptions, localize, localizeOptions } from "../localize/localizer.js"
import { type OpenLocalizer, openLocalizer } from "../localize/open-localizer.js"
import { openImageSource } from "../predict/image-source.js"
import { DataError, UsageError } from "../tensor/errors.js"
import { didYouMean } from "../tensor/suggest.js"
import { openClassifier } from "../weights/open-model.js"
import { startProgress } from "./progress.js"
import { writeJson } from "./report.js"
import type { Log } from "./training-run.js"

/** What `localize eval` and `localize predict` were told alike. */
interface LookFlags {
  readonly weights: string
  readonly rcnn?: string
  readonly classifier?: readonly string[]
  readonly view?: "dense" | "centre"
  readonly sizes?: readonly number[]
  readonly merge?: "best" | "vote"
  readonly proposals?: number
  readonly json?: string
  readonly engine?: EngineChoice
}

export interface LocalizeEvalFlags extends LookFlags {
  readonly data: string
  readonly split?: string
  readonly images?: string
}

export interface LocalizePredictFlags extends LookFlags {
  readonly source: string
  readonly class?: readonly string[]
}

/** The shorter side at which images are looked at beside crops of `side`: 256 for 224, as the paper's section 3.4. */
export const usualSize = (side: number): number => Math.round((side * 8) / 7)

/**
 * Scores a localizer on data with boxes. Without a classifier the figures that need one are NaN.
 * @throws DataError when a file is not what it should be, or no image has objects
 */
export async function evaluateLocalizer(
  flags: LocalizeEvalFlags,
  signal: AbortSignal,
  log: Log,
): Promise<LocalizationFigures> {
  const { data, split = "val", images: folder = null } = flags
  return withLocalizer(flags, log, async (localizer, options, guess) => {
    const set = await readDataset(data, { split, classes: localizer.classes, images: folder })
    log(`${data}: ${set.format.toUpperCase()} data, split ${set.split}: ${set.images.length} images`)
    for (const fault of set.faults) log(formatFault(fault))
    if (set.images.length === 0) throw new DataError(`${data}: no images in split ${set.split}`)
    const progress = startProgress({ label: "localize", total: set.images.length })
    try {
      const onImage = (done: number) => progress.update(done)
      const { perImage, failed } = await localizeDataset(localizer, set.images, options, { guess, signal, onImage })
      for (const { file, message } of failed) progress.line(`${file}: ${message}`)
      signal.throwIfAborted()
      return localizationFigures(set.images, perImage)
    } finally {
      progress.stop()
    }
  })
}

/** The figures as lines for people, in percent as the paper has them. */
export function figuresText(figures: LocalizationFigures): string {
  const percent = (value: number) => (Number.isNaN(value) ? "n/a" : `${(100 * value).toFixed(2)} %`)
  const rows: readonly (readonly [string, number])[] = [
    ["localization error, classes given", figures.gtClassError],
    ["localization error, top 5", figures.localizationError],
    ["localization error, top 1", figures.localizationErrorTop1],
    ["classification error, top 5", figures.classificationError],
    ["classification error, top 1", figures.classificationErrorTop1],
    ["the whole image as the box, classes given", figures.wholeImageError],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return [`${figures.images} images`, ...rows.map(([name, value]) => `${name.padEnd(width)}  ${percent(value)}`)].join(
    "\n",
  )
}

/** One image's boxes, as `localize predict` writes them. */
interface Prediction {
  readonly image: string
  readonly width: number
  readonly height: number
  /** The classifier's best class first; boxes x1, y1, x2, y2 in image pixels. */
  readonly objects: readonly { readonly label: string; readonly score: number; readonly box: readonly number[] }[]
}

/**
 * Finds boxes in the images of a source and prints a line for each; one that cannot be read is told and passed over.
 * @throws UsageError for a class that the localizer does not know
 */
export async function predictBoxes(
  flags: LocalizePredictFlags,
  signal: AbortSignal,
  log: Log,
  print: Log,
): Promise<void> {
  const source = await openImageSource(flags.source)
  await withLocalizer(flags, log, async (localizer, options, guess) => {
    const { classes } = localizer
    const named = (flags.class ?? []).map((name) => labelOf(name, classes))
    const found: Prediction[] = []
    for await (const { file, path } of source) {
      if (signal.aborted) break
      const image = await decodeImage(file).catch((error: unknown) => {
        if (!(error instanceof ImageError)) throw error
        log(`${path}: skipped: ${error.message}`)
        process.exitCode = 3
        return undefined
      })
      if (image === undefined) continue
      const own = await localize(localizer, image, (await guess?.(image)) ?? named, options)
      const objects = own.map(({ label, score, box }) => ({
        label: classes[label - 1]!,
        score,
        box: [...box],
      }))
      const { width, height } = image
      found.push({ image: path, width, height, objects })
      if (flags.json !== "-") print(`${path}: ${objects.map(objectText).join("; ") || "nothing found"}`)
    }
    if (flags.json !== undefined) writeJson(found, flags.json)
  })
}

function objectText({ label, score, box }: Prediction["objects"][number]): string {
  return `${label} ${score.toFixed(3)} [${box.map((value) => value.toFixed(1)).join(", ")}]`
}

function labelOf(name: string, classes: readonly string[]): number {
  const at = classes.indexOf(name)
  if (at < 0) throw new UsageError(`no class "${name}".${didYouMean(name, classes)} Known: ${classes.join(", ")}`)
  return at + 1
}

/** Classifiers as one, each run densely at the shorter side it is tested at. */
function openScorer(files: readonly string[]): Scorer {
  const classifiers = files.map((file) => openClassifier(file))
  const scales = [...new Set(classifiers.map(({ config }) => cropSizes(config).resize))]
  return makeScorer(classifiers, { procedure: { kind: "dense", scales } })
}

async function withLocalizer<Result>(
  flags: LookFlags,
  log: Log,
  work: (localizer: OpenLocalizer, options: LocalizeOptions, guess: GuessClasses | undefined) => Promise<Result>,
): Promise<Result> {
  log(`engine: ${await startEngine(flags.engine)}`)
  const localizer = openLocalizer(flags.weights, flags.rcnn)
  const { view, merge, proposals, sizes = [usualSize(localizer.side)] } = flags
  try {
    const options = localizeOptions({
      sizes,
      ...(view === undefined ? {} : { view }),
      ...(merge === undefined ? {} : { merge }),
      ...(proposals === undefined ? {} : { proposals }),
    })
    if (flags.classifier === undefined) return await work(localizer, options, undefined)
    const scorer = openScorer(flags.classifier)
    try {
      return await work(localizer, options, classifierGuesses(scorer, localizer.classes))
    } finally {
      scorer.dispose()
    }
  } finally {
    localizer.dispose()
  }
}
