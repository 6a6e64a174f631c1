import { readFileSync } from "node:fs"
import type { Command } from "commander"
import { DataError, UsageError } from "../tensor/errors.js"
import { atLeastOneFlag, wholeNumberFlag } from "./flags.js"
import { print, writeJson } from "./report.js"

interface CompareFlags {
  readonly gt?: string
  readonly split?: string
  readonly samples?: number
  readonly seed?: number
  readonly json?: string
}

/** The `compare` command: two detectors' results on the same ground truth, or two documents of `eval --json`. */
export function configure(command: Command): void {
  command
    .argument("<a>", "results of one detector (as eval --predictions), or a document of eval --json")
    .argument("<b>", "the same of the other")
    .option("--gt <path>", "ground truth: a COCO file, or a data set's folder; leave out for eval documents")
    .option("--split <name>", "which part of a data set's folder (default: val)")
    .option("--samples <n>", "how many times the images are drawn for the interval (default: 1000)", atLeastOneFlag)
    .option("--seed <n>", "seed of the drawing (default: 1)", wholeNumberFlag)
    .option("--json <file>", "write the comparison as JSON to a file, or to stdout with -")
    .action((a: string, b: string, flags: CompareFlags) => compare(a, b, flags))
}

async function compare(a: string, b: string, { gt, split = "val", samples, seed, json }: CompareFlags): Promise<void> {
  const lines = await import("./compare-lines.js")
  if (gt === undefined) {
    if (samples !== undefined || seed !== undefined) {
      throw new UsageError("compare: --samples and --seed need --gt; two eval documents hold nothing to draw from")
    }
    const { compareDocuments } = await import("../eval/compare-documents.js")
    return show(compareDocuments(readJson(a), readJson(b), [a, b]), lines.documentLines)
  }
  const { readPredictions, readTruths } = await import("./eval-predictions.js")
  const { compareDetections } = await import("../eval/compare.js")
  const truths = await readTruths(gt, split, async (path) => {
    const { readDataset } = await import("../../datasets/read.js")
    return readDataset(path, { split, images: null })
  })
  const [first, second] = [await readPredictions(truths, a), await readPredictions(truths, b)]
  const overrides = { ...(samples === undefined ? {} : { samples }), ...(seed === undefined ? {} : { seed }) }
  show(compareDetections(truths, first, second, overrides), lines.comparisonLines)

  function show<T>(comparison: T, format: (comparison: T) => string[]): void {
    if (json !== undefined) writeJson(comparison, json)
    if (json !== "-") for (const line of format(comparison)) print(line)
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    throw new DataError(`${path}: expected a JSON document of eval --json: ${(error as Error).message}`)
  }
}
