import type { Fault } from "../../../datasets/dataset.js"
import type { RunEvents } from "../../train/run-events.js"
import type { RunFolder } from "../../train/run-folder.js"
import type { RunOptions } from "../../train/run-options.js"
import { type TrainHooks, weightsOf } from "./train-result.js"

interface Followed {
  readonly folder: RunFolder
  /** The folder's path. */
  readonly run: string
  readonly options: RunOptions
  /** The best value so far. */
  readonly best: number | null
}

/** The run folder's events, each told to the caller too. */
export function following(
  { folder, run, options: { epochs, metric }, best }: Followed,
  tellFaults: () => void,
  hooks: TrainHooks,
): RunEvents {
  let before = best
  let epochsDone = 0
  return {
    onProgress: (job, done, total) => hooks.onProgress?.({ job, done, total }),
    async onStep(report) {
      await hooks.onStep?.({ ...report, epochs })
      tellFaults()
      await folder.onStep(report)
    },
    async onEpoch(epoch, losses, metrics, figures) {
      tellFaults()
      epochsDone = epoch
      await hooks.onEpoch?.({ epoch, epochs, losses, metrics, figures })
      await folder.onEpoch(epoch, losses, metrics, figures)
    },
    async onBest(position, average) {
      const isKept = await folder.onBest(position, average)
      if (!isKept) return false
      const value = position.best!
      await hooks.onBest?.({ epoch: epochsDone, metric, value, before, file: weightsOf(run, "best") })
      before = value
      return true
    },
    onEpochStart: (...args) => folder.onEpochStart(...args),
    epochStart: () => folder.epochStart(),
    onGoBack: (...args) => folder.onGoBack(...args),
    onSave: (...args) => folder.onSave(...args),
  }
}

/** Tells the faults that came up since it was last called. */
export function newFaults(faults: () => readonly Fault[], tell: (fault: Fault) => void): () => void {
  const told = new Set<Fault>()
  return () => {
    for (const fault of faults()) {
      if (!told.has(fault)) tell(fault)
      told.add(fault)
    }
  }
}
