import { makeScorer, type Scorer } from "../classify/scorer.js"
import type { TestProcedure } from "../classify/test-crops.js"
import { UsageError } from "../core/errors.js"
import type { EngineName } from "../engine/names.js"
import { expectPrecision } from "../engine/precision.js"
import { startEngine } from "../engine/start.js"
import { nameOfWeights, type WeightsSource } from "../weights/open-file.js"
import { openClassifier } from "../weights/open-model.js"
import type { Listener } from "./hooks.js"
import type { ScoringOptions } from "./options/classify.js"

/**
 * Starts the engine and opens the classifiers; a line tells of each of them.
 * @throws UsageError for two ways of testing at once, DataError for a file that is no classifier's
 */
export async function openScorer(
  options: Omit<ScoringOptions, "weights"> & { readonly weights: string | readonly WeightsSource[] },
  { log }: Pick<Listener, "log">,
): Promise<RunningScorer> {
  const procedure = procedureOf(options)
  const { batch } = options
  const weights = listOf(options.weights)
  const engine = await startEngine(options.engine)
  log(`engine: ${engine}`)
  expectPrecision(options.precision, engine)
  const classifiers = weights.map((source) => openClassifier(source, options.precision))
  for (const [i, { config, classes }] of classifiers.entries()) {
    log(`${nameOfWeights(weights[i]!)}: ${config.network}, ${classes.length} classes`)
  }
  return { ...makeScorer(classifiers, { batch, ...(procedure === undefined ? {} : { procedure }) }), engine }
}

export interface RunningScorer extends Scorer {
  /** What runs it. */
  readonly engine: EngineName
}

export const listOf = <File>(files: string | readonly File[]): readonly (string | File)[] =>
  typeof files === "string" ? [files] : files

function procedureOf({ crops, scales }: Pick<ScoringOptions, "crops" | "scales">): TestProcedure | undefined {
  if (crops !== undefined && scales !== undefined) {
    throw new UsageError("classify: expected --crops or --scales, got both. They are two ways of testing")
  }
  if (scales !== undefined) return { kind: "dense", scales }
  return crops === undefined ? undefined : { kind: "crops", count: crops }
}
