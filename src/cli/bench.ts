import type { Command } from "commander"
import type { EngineChoice } from "../engine/names.js"
import { atLeastOneFlag, engineFlag } from "./flags.js"

export interface BenchFlags {
  readonly model: string
  readonly weights?: string
  readonly size?: number
  readonly batch: number
  readonly steps: number
  readonly engine?: EngineChoice
  readonly json?: string
}

/** `resdet bench`: milliseconds of each phase on this machine, with made-up photos. */
export function configure(command: Command): void {
  command
    .description(
      "how long each phase of a training step and of a detection takes on this machine, and how many photos a second are " +
        "loaded; photos (640x480) and weights are made up, and always the same",
    )
    .option("--model <name>", "which detector", "fasterrcnn_resnet50_fpn")
    .option("--weights <file>", "that of a weights file instead, as it was trained")
    .option("--size <pixels>", "shorter side of the photos (default: 800, or that of --weights)", atLeastOneFlag)
    .option("--batch <number>", "photos in a training step", atLeastOneFlag, 1)
    .option(
      "--steps <number>",
      "how many steps and detections are measured, behind two that are not",
      atLeastOneFlag,
      5,
    )
    .addOption(engineFlag())
    .option("--json <file>", "the figures as JSON too; - is standard output, without the table")
    .action(async (flags: BenchFlags) => (await import("./run-bench.js")).runBench(flags))
}
