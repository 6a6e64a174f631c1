/** A run of `resdet train`, decided once more as it was when it began. */
import { DataError } from "../../src/core/errors.js"
import type { ModelConfig } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import type { Listener } from "../../src/tasks/hooks.js"
import { decidedTrainSchema } from "../../src/tasks/options/train-detector.js"
import { detectorTrainer } from "../../src/tasks/train-detector.js"
import { reopenRun } from "../../src/tasks/training/run-record.js"

/** @throws DataError when `run` is no folder of a run of `resdet train` */
export function savedRun(run: string) {
  return reopenRun<typeof decidedTrainSchema, ModelConfig>(run, decidedTrainSchema, {})
}

/**
 * Starts the run's engine and opens its data.
 * @throws DataError where the data are no longer those that `run` was trained on
 */
export async function decideAgain(
  run: string,
  saved: ReturnType<typeof savedRun>,
  listener: Listener,
): Promise<Awaited<ReturnType<typeof detectorTrainer.decide>>> {
  await startEngine(saved.config.engine)
  const decided = await detectorTrainer.decide(saved.config, listener)
  if (JSON.stringify(detectorTrainer.fingerprint(decided.data)) !== JSON.stringify(saved.data)) {
    throw new DataError(`${String(decided.config.data)} has changed since ${run} was trained`)
  }
  return decided
}
