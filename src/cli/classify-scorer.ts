import { type Command, InvalidArgumentError } from "commander"
import type { Scorer } from "../classify/scorer.js"
import type { TestProcedure } from "../classify/test-crops.js"
import type { EngineChoice } from "../engine/names.js"
import { UsageError } from "../tensor/errors.js"
import { atLeastOneFlag, engineFlag, sidesFlag } from "./flags.js"

export interface ScorerFlags {
  readonly weights: readonly string[]
  readonly crops?: 1 | 10
  readonly scales?: readonly number[]
  readonly batch?: number
  readonly engine?: EngineChoice
}

/** The flags that say which classifiers run and how images are shown to them. */
export function addScorerFlags(command: Command): Command {
  return command
    .requiredOption("--weights <files...>", "a classifier (.safetensors), or several whose scores are averaged")
    .option("--crops <1|10>", "the centre, or centre and corners with their mirror images (default: 1)", cropsFlag)
    .option("--scales <sides>", "instead: whole images with these shorter sides, as in 224,256,384,480,640", sidesFlag)
    .option("--batch <number>", "how many crops go through a network at once (default: 32)", atLeastOneFlag)
    .addOption(engineFlag())
}

/**
 * Starts the engine and opens the classifiers.
 * @param log takes one line on each of them
 */
export async function openScorer(flags: ScorerFlags, log: (line: string) => void): Promise<Scorer> {
  const procedure = procedureOf(flags)
  const { weights, batch, engine } = flags
  const [{ startEngine }, { openClassifier }, { makeScorer }] = await Promise.all([
    import("../engine/start.js"),
    import("../weights/open-model.js"),
    import("../classify/scorer.js"),
  ])
  log(`engine: ${await startEngine(engine)}`)
  const classifiers = weights.map((path) => openClassifier(path))
  for (const [i, { config, classes }] of classifiers.entries()) {
    log(`${weights[i]}: ${config.network}, ${classes.length} classes`)
  }
  return makeScorer(classifiers, {
    ...(procedure === undefined ? {} : { procedure }),
    ...(batch === undefined ? {} : { batch }),
  })
}

function procedureOf({ crops, scales }: ScorerFlags): TestProcedure | undefined {
  if (crops !== undefined && scales !== undefined) {
    throw new UsageError("classify: expected --crops or --scales, got both. They are two ways of testing")
  }
  if (scales !== undefined) return { kind: "dense", scales }
  return crops === undefined ? undefined : { kind: "crops", count: crops }
}

function cropsFlag(text: string): 1 | 10 {
  const count = Number(text)
  if (count !== 1 && count !== 10) throw new InvalidArgumentError("Expected 1 or 10.")
  return count
}
