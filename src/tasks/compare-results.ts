import { readFileSync } from "node:fs"
import { DataError, UsageError } from "../core/errors.js"
import { type Comparison, compareDetections } from "../eval/compare.js"
import { compareDocuments, type DocumentComparison } from "../eval/compare-documents.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { type CompareResultsOptions, compareResultsSchema } from "./options/compare.js"
import { readPredictions, readTruths } from "./score-predictions.js"

/** Two detectors' results on the same ground truth, or two documents of `eval --json`. */
export type ResultsComparison =
  | { readonly of: "results"; readonly comparison: Comparison }
  | { readonly of: "documents"; readonly comparison: DocumentComparison }

/**
 * What changes from one detector's results to another's, and, where the ground truth is given, whether it is noise.
 * @throws DataError for files that are not there or broken; UsageError for options that need the ground truth
 */
export async function compareResults(given: CompareResultsOptions, hooks: TaskHooks = {}): Promise<ResultsComparison> {
  const options = parseOptions("compareResults", compareResultsSchema, given)
  const { a, b, gt, split, boxes, samples, seed } = options
  const told = listenerOf(hooks)
  if (gt === undefined) {
    if (samples !== undefined || seed !== undefined) {
      throw new UsageError("compare: --samples and --seed need --gt; two eval documents hold nothing to draw from")
    }
    return { of: "documents", comparison: compareDocuments(readJson(a), readJson(b), [a, b], told.log) }
  }
  const truths = await readTruths({ gt, split, boxes }, told, options)
  const read = (path: string) => readPredictions(truths, path, told, { gt, split, boxes })
  const [first, second] = [await read(a), await read(b)]
  const overrides = { ...(samples === undefined ? {} : { samples }), ...(seed === undefined ? {} : { seed }) }
  return { of: "results", comparison: compareDetections(truths, first, second, overrides) }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch (error) {
    throw new DataError(`${path}: expected a JSON document of eval --json: ${(error as Error).message}`)
  }
}
