import { basename, join, resolve } from "node:path"
import { writeWhole } from "../../datasets/atomic.js"
import type { Parameters } from "../tensor/parameters.js"
import type { WeightAverage } from "./average.js"
import { MetricsLog } from "./metrics-log.js"
import { runReport } from "./report.js"
import type { StepReport } from "./report-window.js"
import type { RunEvents, RunPosition } from "./run.js"
import { readHistory } from "./run-history.js"
import type { Sgd } from "./sgd.js"
import { saveState } from "./state.js"

/** What a run's folder has to know of the model it keeps. */
export interface SavedModel {
  /** Such as `fasterrcnn_resnet18_c4`. */
  readonly name: string
  readonly classes: readonly string[]
  /** Writes the model as it is now. @param training how it was trained and how well it does, for people */
  save(path: string, training: Readonly<Record<string, unknown>>): void
}

/**
 * A run's files: `weights/{last,best}.safetensors`, `state/`, `results.csv`, `metrics.jsonl`, `report.html`. A save that
 * fails, such as on a full disk, is told and leaves the files of the save before; the next one tries again.
 */
export class RunFolder implements RunEvents {
  readonly #folder: string
  readonly #parameters: Parameters
  readonly #model: SavedModel
  readonly #log: MetricsLog
  readonly #tell: (line: string) => void
  #metrics: Readonly<Record<string, number>> = {}
  #failure: Error | undefined

  constructor(folder: string, parameters: Parameters, model: SavedModel, tell: (line: string) => void) {
    this.#folder = folder
    this.#parameters = parameters
    this.#model = model
    this.#log = new MetricsLog(folder)
    this.#tell = tell
  }

  /** Cuts off what the logs hold beyond `position`. */
  async begin({ step, epoch }: RunPosition): Promise<void> {
    await this.#log.rewind({ step, epoch })
  }

  /** Why the last save failed; absent when it did not. */
  get failure(): Error | undefined {
    return this.#failure
  }

  async onStep({ losses, ...report }: StepReport): Promise<void> {
    await this.#attempt("metrics.jsonl", () => this.#log.step({ ...report, ...losses }))
  }

  async onEpoch(
    epoch: number,
    losses: Readonly<Record<string, number>>,
    metrics: Readonly<Record<string, number>>,
  ): Promise<void> {
    this.#metrics = metrics
    await this.#attempt("results.csv", () => this.#log.epoch({ epoch, ...losses, ...metrics }))
  }

  async onSave(position: RunPosition, optimizer: Sgd, improved: boolean, average?: WeightAverage): Promise<void> {
    const training = { ...position, ...this.#metrics }
    const save = (name: string) => this.#model.save(join(this.#folder, "weights", name), training)
    const saveModel = () => {
      if (improved) save("best.safetensors")
      save("last.safetensors")
    }
    // The state comes last: it alone decides whether the save as a whole failed.
    await this.#attempt("report.html", () => this.#writeReport(position))
    await this.#attempt("the run's state", async () => {
      await (average === undefined ? saveModel() : average.during(saveModel))
      saveState(this.#folder, position, this.#parameters, optimizer, average)
    })
  }

  #writeReport({ best }: RunPosition): void {
    const { name, classes } = this.#model
    const input = {
      ...readHistory(this.#folder),
      title: basename(resolve(this.#folder)),
      model: name,
      classes,
      best,
    }
    writeWhole(join(this.#folder, "report.html"), runReport(input))
  }

  async #attempt(what: string, write: () => void | Promise<void>): Promise<void> {
    try {
      await write()
      this.#failure = undefined
    } catch (error) {
      this.#failure = error as Error
      this.#tell(`${this.#folder}: ${what} could not be saved: ${this.#failure.message}. Training continues`)
    }
  }
}
