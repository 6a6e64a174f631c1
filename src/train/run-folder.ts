import { constants, copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import type { Parameters } from "../core/parameters.js"
import { makeFolder, partBeside, removeParts, writeWhole } from "../core/write-whole.js"
import type { TrainingPictures } from "../report/training-pictures.js"
import type { WeightAverage } from "./average.js"
import { EventFile } from "./event-file.js"
import { MetricsLog } from "./metrics-log.js"
import type { Optimizer } from "./optimizer.js"
import { runReport } from "./report.js"
import type { StepReport } from "./report-window.js"
import type { EpochFigures, RunEvents } from "./run-events.js"
import { readHistory } from "./run-history.js"
import type { RunPosition } from "./run-position.js"
import { loadState, removeEpochStart, removeOtherStates, type SavedState, saveEpochStart, saveState } from "./state.js"

export interface RunFolderOptions {
  /** How many epochs' weights stay, as `weights/epoch-<n>.safetensors`. */
  readonly keep?: number
  /** Whether TensorBoard's event files are written too. */
  readonly tensorboard?: boolean
}

/** What a run's folder has to know of the model it keeps. */
export interface SavedModel {
  /** Such as `fasterrcnn_resnet18_c4`. */
  readonly name: string
  readonly classes: readonly string[]
  /** Writes the model as it is now. @param training how it was trained and how well it does, for people */
  save(path: string, training: Readonly<Record<string, unknown>>): void
}

/** Whether an epoch has ended and nothing of the next has begun. */
const isBetweenEpochs = ({ batch, pending }: RunPosition) => batch === 0 && !pending

/**
 * A run's files: `weights/{last,best}.safetensors` and those of the last epochs that are kept, `state/`, `epoch-start/` (the
 * state to go back to when training diverges, within an epoch), `results.csv`, `metrics.jsonl`, `report.html`. A save that
 * fails, such as on a full disk, is told once and leaves the files of the save before; the next one tries again. A folder
 * that was removed is made again.
 */
export class RunFolder implements RunEvents {
  readonly #folder: string
  readonly #parameters: Parameters
  readonly #model: SavedModel
  readonly #log: MetricsLog
  readonly #tell: (line: string) => void
  readonly #keep: number
  readonly #tensorboard: boolean
  #events: EventFile | undefined
  /** The text of config.json, for a folder that has to be made again. */
  readonly #config: string | undefined
  #metrics: Readonly<Record<string, number>> = {}
  #pictures: TrainingPictures = {}
  /** What could not be saved when it was last tried. */
  readonly #failures = new Map<string, Error>()

  constructor(
    folder: string,
    parameters: Parameters,
    model: SavedModel,
    tell: (line: string) => void,
    { keep = 0, tensorboard = false }: RunFolderOptions = {},
  ) {
    this.#folder = folder
    this.#parameters = parameters
    this.#model = model
    this.#log = new MetricsLog(folder)
    this.#tell = tell
    this.#keep = keep
    this.#tensorboard = tensorboard
    const config = join(folder, "config.json")
    this.#config = existsSync(config) ? readFileSync(config, "utf8") : undefined
  }

  /**
   * Cuts off what the logs hold beyond `position`, and sweeps.
   * @throws UserError where `weights` is a link: nothing is written through it
   */
  async begin(position: RunPosition): Promise<void> {
    makeFolder(join(this.#folder, "weights"), this.#folder)
    this.sweep(position)
    const { step, epoch } = position
    await this.#log.rewind({ step, epoch })
  }

  /** Removes what a killed process was writing or about to remove. @param position that of the saved state */
  sweep(position: RunPosition): void {
    removeParts(this.#folder)
    removeOtherStates(this.#folder)
    if (isBetweenEpochs(position)) removeEpochStart(this.#folder)
  }

  /** Why the model or the state could not be saved when it was last tried; absent where it was. */
  get failure(): Error | undefined {
    return this.#failures.get(STATE) ?? this.#failures.get(LAST) ?? this.#failures.get(BEST)
  }

  async onStep({ losses, ...report }: StepReport): Promise<void> {
    await this.#attempt("metrics.jsonl", () => this.#log.step({ ...report, ...losses }))
    const { step, epoch: _, ...figures } = report
    await this.#tellTensorboard("train", step, { ...figures, ...losses })
  }

  async onEpoch(
    epoch: number,
    losses: Readonly<Record<string, number>>,
    metrics: Readonly<Record<string, number>>,
    figures: EpochFigures,
  ): Promise<void> {
    this.#metrics = metrics
    await this.#attempt("results.csv", () => this.#log.epoch({ epoch, ...losses, ...metrics, ...figures }))
    await this.#tellTensorboard("epoch", epoch, { ...losses, ...metrics, ...figures })
  }

  async onEpochStart(position: RunPosition, optimizer: Optimizer, average?: WeightAverage): Promise<void> {
    await this.#attempt("the state to go back to", () =>
      saveEpochStart(this.#folder, position, this.#parameters, optimizer, average),
    )
  }

  async epochStart(): Promise<SavedState | undefined> {
    return existsSync(join(this.#folder, "epoch-start")) ? loadState(this.#folder, "epoch-start") : undefined
  }

  async onGoBack({ step, epoch }: RunPosition, reason: string): Promise<void> {
    this.#tell(reason)
    await this.#log.rewind({ step, epoch })
  }

  async onBest(position: RunPosition, average?: WeightAverage): Promise<boolean> {
    return await this.#attempt(BEST, () => this.#saveModel("best.safetensors", position, average))
  }

  async onSave(position: RunPosition, optimizer: Optimizer, average?: WeightAverage): Promise<void> {
    const isSaved = await this.#attempt(LAST, () => this.#saveModel("last.safetensors", position, average))
    const { epoch } = position
    const isBetween = isBetweenEpochs(position)
    if (isSaved && this.#keep > 0 && epoch > 0 && isBetween) {
      await this.#attempt(`the weights of epoch ${epoch}`, () =>
        keepEpoch(join(this.#folder, "weights"), epoch, this.#keep),
      )
    }
    await this.#attempt(STATE, () => {
      saveState(this.#folder, position, this.#parameters, optimizer, average)
      if (isBetween) removeEpochStart(this.#folder)
    })
    await this.writeReport(position)
  }

  /** Takes pictures for the report, beside those that it has. */
  show(pictures: TrainingPictures): void {
    this.#pictures = { ...this.#pictures, ...pictures }
  }

  /** Writes `report.html` as it is now. */
  async writeReport(position: RunPosition): Promise<void> {
    await this.#attempt("report.html", () => this.#writeReport(position))
  }

  /** TensorBoard groups figures by what stands before the slash: `train/loss` by step, `epoch/AP` by epoch. */
  async #tellTensorboard(group: string, step: number, figures: Readonly<Record<string, number>>): Promise<void> {
    if (!this.#tensorboard) return
    const named = Object.entries(figures).map(([name, value]) => [`${group}/${name}`, value] as const)
    await this.#attempt("tensorboard", () => {
      this.#events ??= new EventFile(join(this.#folder, "tensorboard"))
      this.#events.scalars(step, Object.fromEntries(named))
    })
  }

  async #saveModel(name: string, position: RunPosition, average?: WeightAverage): Promise<void> {
    const weights = join(this.#folder, "weights")
    makeFolder(weights, this.#folder)
    // Without its times, two runs that end alike have the same file.
    const { seconds: _, ...where } = position
    const save = () => this.#model.save(join(weights, name), { ...where, ...this.#metrics })
    await (average === undefined ? save() : average.during(save))
  }

  #writeReport({ best }: RunPosition): void {
    const { name, classes } = this.#model
    const input = {
      ...readHistory(this.#folder),
      title: basename(resolve(this.#folder)),
      model: name,
      classes,
      best,
      pictures: this.#pictures,
    }
    writeWhole(join(this.#folder, "report.html"), runReport(input))
  }

  /** Tells when something can no longer be saved, and when it can be again; training goes on. */
  async #attempt(what: string, write: () => void | Promise<void>): Promise<boolean> {
    try {
      this.#makeFolders()
      await write()
      if (this.#failures.delete(what)) this.#tell(`${this.#folder}: ${what} is saved again`)
      return true
    } catch (error) {
      const { message } = error as Error
      if (!this.#failures.has(what)) {
        this.#tell(`${this.#folder}: ${what} could not be saved: ${message}. Training continues and tries again`)
      }
      this.#failures.set(what, error as Error)
      return false
    }
  }

  #makeFolders(): void {
    const weights = join(this.#folder, "weights")
    if (existsSync(weights)) return
    makeFolder(weights, this.#folder)
    if (this.#config !== undefined) writeWhole(join(this.#folder, "config.json"), this.#config)
  }
}

/** Keeps the last weights as those of an epoch, and so many epochs' in all. */
function keepEpoch(folder: string, epoch: number, keep: number): void {
  const path = join(folder, `epoch-${epoch}.safetensors`)
  const part = partBeside(path)
  copyFileSync(join(folder, "last.safetensors"), part, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
  renameSync(part, path)
  for (const name of readdirSync(folder)) {
    const other = Number(/^epoch-(\d+)\.safetensors$/.exec(name)?.[1] ?? Number.NaN)
    // Of a run that went back to an earlier epoch, later ones are another's.
    if (other > epoch || other <= epoch - keep) rmSync(join(folder, name), { force: true })
  }
}

const BEST = "weights/best.safetensors"
const LAST = "weights/last.safetensors"
const STATE = "the run's state"
