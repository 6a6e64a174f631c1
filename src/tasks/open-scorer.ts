import { makeScorer, type Scorer } from "../classify/scorer.js"
import type { TestProcedure } from "../classify/test-crops.js"
import { UsageError } from "../core/errors.js"
import { startEngine } from "../engine/start.js"
import { openClassifier } from "../weights/open-model.js"
import type { Listener } from "./hooks.js"
import type { ScoringOptions } from "./options/classify.js"

/**
 * Starts the engine and opens the classifiers; a line tells of each of them.
 * @throws UsageError for two ways of testing at once, DataError for a file that is no classifier's
 */
export async function openScorer(options: ScoringOptions, { log }: Pick<Listener, "log">): Promise<Scorer> {
  const procedure = procedureOf(options)
  const { batch, engine } = options
  const weights = listOf(options.weights)
  log(`engine: ${await startEngine(engine)}`)
  const classifiers = weights.map((path) => openClassifier(path))
  for (const [i, { config, classes }] of classifiers.entries()) {
    log(`${weights[i]}: ${config.network}, ${classes.length} classes`)
  }
  return makeScorer(classifiers, { batch, ...(procedure === undefined ? {} : { procedure }) })
}

export const listOf = (files: string | readonly string[]): readonly string[] =>
  typeof files === "string" ? [files] : files

function procedureOf({ crops, scales }: ScoringOptions): TestProcedure | undefined {
  if (crops !== undefined && scales !== undefined) {
    throw new UsageError("classify: expected --crops or --scales, got both. They are two ways of testing")
  }
  if (scales !== undefined) return { kind: "dense", scales }
  return crops === undefined ? undefined : { kind: "crops", count: crops }
}
