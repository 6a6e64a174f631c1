import { basename, join, resolve } from "node:path"
import { writeWhole } from "../../datasets/atomic.js"
import type { Parameters } from "../tensor/parameters.js"
import { MetricsLog } from "../train/metrics-log.js"
import { runReport } from "../train/report.js"
import type { StepReport } from "../train/report-window.js"
import type { RunEvents, RunPosition } from "../train/run.js"
import { readHistory } from "../train/run-history.js"
import type { Sgd } from "../train/sgd.js"
import { saveState } from "../train/state.js"
import { type LocalizerInfo, saveLocalizer } from "./localizer-file.js"

/** A localizer's run: `weights/{last,best}.safetensors`, `state/`, `results.csv`, `metrics.jsonl`, `report.html`. */
export class LocalizerRun implements RunEvents {
  readonly #folder: string
  readonly #parameters: Parameters
  readonly #info: Omit<LocalizerInfo, "training">
  readonly #log: MetricsLog
  #metrics: Readonly<Record<string, number>> = {}

  constructor(folder: string, parameters: Parameters, info: Omit<LocalizerInfo, "training">) {
    this.#folder = folder
    this.#parameters = parameters
    this.#info = info
    this.#log = new MetricsLog(folder)
  }

  /** Cuts off what the logs hold beyond `position`. */
  begin({ step, epoch }: RunPosition): Promise<void> {
    return this.#log.rewind({ step, epoch })
  }

  onStep({ losses, ...report }: StepReport): Promise<void> {
    return this.#log.step({ ...report, ...losses })
  }

  onEpoch(epoch: number, losses: Readonly<Record<string, number>>, metrics: Readonly<Record<string, number>>) {
    this.#metrics = metrics
    return this.#log.epoch({ epoch, ...losses, ...metrics })
  }

  async onSave(position: RunPosition, optimizer: Sgd, improved: boolean): Promise<void> {
    const { config, classes } = this.#info
    const { epoch, step, best } = position
    const info: LocalizerInfo = { config, classes, training: { epoch, step, best, ...this.#metrics } }
    const title = basename(resolve(this.#folder))
    const report = { ...readHistory(this.#folder), title, model: `${config.network} ${config.stage}`, classes, best }
    writeWhole(join(this.#folder, "report.html"), runReport(report))
    for (const name of improved ? ["best", "last"] : ["last"]) {
      saveLocalizer(join(this.#folder, "weights", `${name}.safetensors`), this.#parameters, info)
    }
    saveState(this.#folder, position, this.#parameters, optimizer)
  }
}
