/** A run of `resdet train`, decided once more as it was when it began. */
import type { ModelConfig } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import type { Listener } from "../../src/tasks/hooks.js"
import { decidedTrainSchema } from "../../src/tasks/options/train-detector.js"
import { detectorTrainer } from "../../src/tasks/train-detector.js"
import { refuseOtherData, reopenRun } from "../../src/tasks/training/run-record.js"

/** @throws DataError when `run` is no folder of a run of `resdet train` */
export function savedRun(run: string) {
  return reopenRun<typeof decidedTrainSchema, ModelConfig>(run, decidedTrainSchema, {})
}

/**
 * Starts the run's engine and opens its data.
 * @throws DataError where the data are no longer those that the run was trained on
 */
export async function decideAgain(
  saved: ReturnType<typeof savedRun>,
  listener: Listener,
): Promise<Awaited<ReturnType<typeof detectorTrainer.decide>>> {
  await startEngine(saved.config.engine)
  const decided = await detectorTrainer.decide(saved.config, listener)
  refuseOtherData(saved.data, detectorTrainer.fingerprint(decided.data), String(decided.config.data))
  return decided
}
