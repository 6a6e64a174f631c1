import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { trainSchema } from "../tasks/options/train-detector.js"
import type { TrainResult } from "../tasks/training/train-result.js"
import { BelowMinimumError } from "./exit.js"
import { word } from "./next-command.js"
import { trainCommand } from "./train-command.js"

export const command = trainCommand(
  "train",
  trainSchema,
  async () => {
    const { trainDetector, resumeDetector, planDetector } = await import("../tasks/train-detector.js")
    return { start: trainDetector, resume: resumeDetector, plan: planDetector }
  },
  ({ folder }) => `detect --weights ${word(folder)} --source <pictures>`,
  ({ folder, metric, best }) => {
    const minMap = minMapOf(folder)
    if (minMap === undefined || (best !== null && best >= minMap)) return undefined
    return new BelowMinimumError(`the best ${metric}, ${best ?? "n/a"}, is below --min-map ${minMap}`)
  },
)

/** What the run was begun with: a resume has no options of its own. */
function minMapOf(folder: TrainResult["folder"]): number | undefined {
  const file = join(folder, "config.json")
  // Of turns, only the last one's run is the folder's own.
  if (!existsSync(file)) return undefined
  const record = JSON.parse(readFileSync(file, "utf8")) as { config: { minMap?: number } }
  return record.config.minMap
}
