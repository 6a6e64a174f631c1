import type { Command } from "commander"
import type { ScoredSet } from "../classify/evaluate.js"
import type { ClassificationReport } from "../eval/classification.js"
import { DataError } from "../tensor/errors.js"
import { addScorerFlags, openScorer, type ScorerFlags } from "./classify-scorer.js"
import { interruption } from "./exit.js"
import { startProgress } from "./progress.js"
import { log, print, writeJson } from "./report.js"

interface EvalFlags extends ScorerFlags {
  readonly data: string
  readonly split: string
  readonly json?: string
  readonly perImage?: string
}

/** `resdet classify eval`: top-1 and top-5 error of one or several classifiers on a labelled set. */
export function configure(command: Command): void {
  addScorerFlags(command)
    .requiredOption("--data <path>", "what they are scored on: a folder of classes, or CIFAR-10's binary files")
    .option("--split <name>", "which part of the data", "val")
    .option("--json <file>", "write the figures as JSON to a file, or to stdout with -")
    .option("--per-image <file>", "write each image's scores to a file, one JSON document a line")
    .action(evaluate)
}

async function evaluate(flags: EvalFlags): Promise<void> {
  const [{ readLabelled }, { areNumbered, scoreSet }, { classificationReport }, { formatFault }] = await Promise.all([
    import("../../datasets/read-labelled.js"),
    import("../classify/evaluate.js"),
    import("../eval/classification.js"),
    import("../../datasets/faults.js"),
  ])
  const { data, split, json, perImage, batch = 32 } = flags
  const scorer = await openScorer(flags, log)
  const classes = areNumbered(scorer.classes) ? null : scorer.classes
  const set = readLabelled(data, { split, classes })
  log(`${data}: split ${set.split}, ${set.labels.length} images`)
  for (const fault of set.faults) log(formatFault(fault))
  const signal = interruption()
  const progress = startProgress({ label: "classify", total: set.labels.length })
  let scored: ScoredSet
  try {
    scored = await scoreSet(set, scorer, { batch, signal, onImages: (done) => progress.update(done) })
    for (const { name, message } of scored.failed) progress.line(`${name}: skipped: ${message}`)
  } finally {
    progress.stop()
    scorer.dispose()
  }
  signal.throwIfAborted()
  const report = classificationReport(scored.scores, scored.labels, set.classes)
  if (perImage !== undefined) await writeScores(perImage, set, scored)
  if (json !== undefined) writeJson(report, json)
  if (json !== "-") print(formatReport(report))
  const { failed } = scored
  if (failed.length > 0) {
    throw new DataError(`${failed.length} of ${set.labels.length} images could not be read; the others are scored`)
  }
}

async function writeScores(
  file: string,
  set: { readonly classes: readonly string[]; name(index: number): string },
  { scores, labels, images }: ScoredSet,
): Promise<void> {
  const [{ bestClasses, rowOf }, { shortNumber }, { StagedFile }] = await Promise.all([
    import("../eval/classification.js"),
    import("../predict/short-number.js"),
    import("../predict/staged-file.js"),
  ])
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

/** The errors in percent, and each class with what it was most often taken for. */
function formatReport({ images, top1Error, top5Error, perClass, confusion }: ClassificationReport): string {
  const width = Math.max(5, ...perClass.map(({ name }) => name.length))
  const lines = perClass.map(({ name, images, accuracy }, k) => {
    const share = Number.isNaN(accuracy) ? "n/a" : (100 * accuracy).toFixed(2)
    return `${name.padEnd(width)}  ${String(images).padStart(6)}  ${share.padStart(8)}  ${takenFor(k)}`.trimEnd()
  })
  return [
    `${images} images: top-1 error ${percent(top1Error)}, top-5 error ${percent(top5Error)}`,
    `${"class".padEnd(width)}  images  accuracy  taken for`,
    ...lines,
  ].join("\n")

  function takenFor(k: number): string {
    const others = confusion[k]!.map((count, other) => ({ count, other })).filter(
      ({ count, other }) => other !== k && count > 0,
    )
    const most = others.sort((a, b) => b.count - a.count).slice(0, 3)
    return most.map(({ count, other }) => `${perClass[other]!.name} ${count}`).join(", ")
  }
}

const percent = (share: number): string => (Number.isNaN(share) ? "n/a" : `${(100 * share).toFixed(2)} %`)
