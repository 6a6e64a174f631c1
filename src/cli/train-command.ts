import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { z } from "zod"
import { LostProcessError } from "../core/errors.js"
import { clusterPlace } from "../engine/cluster-place.js"
import type { TaskHooks } from "../tasks/hooks.js"
import type { ResumeChanges } from "../tasks/training/run-record.js"
import type { BestModel, EpochReport, TrainHooks, TrainResult } from "../tasks/training/train-result.js"
import type { StepReport } from "../train/report-window.js"
import { type CommandModule, type CommandResult, defineCommand } from "./command.js"
import { interrupt } from "./exit.js"
import { nextLine, word } from "./next-command.js"
import type { Group } from "./processes.js"
import { duration } from "./progress-line.js"
import type { Terminal } from "./terminal.js"

/** The task behind a training command. */
export interface TrainTask<Options> {
  start(options: Options, hooks: TrainHooks): Promise<TrainResult>
  resume(run: string, changes: ResumeChanges, hooks: TrainHooks): Promise<TrainResult>
  plan(options: Options, hooks: TaskHooks): Promise<object>
}

/**
 * A command that trains: the lines it tells, `--resume`, and how to go on.
 * @param name such as `classify train`
 * @param load loads the task once the command runs
 * @param next the command that uses the weights of a run
 * @param judge may fail the command for what the run came to
 */
export function trainCommand<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  load: () => Promise<TrainTask<z.output<Schema>>>,
  next: (result: TrainResult) => string | Promise<string>,
  judge: (result: TrainResult) => CommandResult["failure"] = () => undefined,
): CommandModule {
  const told = async (result: TrainResult): Promise<CommandResult> => ({
    text: result.folder,
    summary: summary(name, result, await next(result)),
    document: result,
    failure: result.ended === "signal" ? undefined : judge(result),
  })
  /** Trains with the others, where there are any: the first process tells what came of it. */
  const trainIn = async (group: Group, train: (processes: Group["processes"]) => Promise<TrainResult>) => {
    let isWell = false
    try {
      const result = await train(group.processes)
      isWell = true
      if (result.ended === "signal") interrupt()
      return (group.processes?.rank ?? 0) > 0 ? {} : await told(result)
    } catch (error) {
      throw error instanceof LostProcessError ? withAdvice(error, name) : error
    } finally {
      await group.end(isWell)
    }
  }
  return defineCommand({
    schema,
    async run(options, terminal) {
      const task = await load()
      const group = (await import("./processes.js")).formGroup((options as { processes?: number }).processes)
      const counted = { ...(options as object), processes: group.processes?.count ?? 1 } as z.output<Schema>
      return trainIn(group, (processes) => task.start(counted, { ...following(terminal), processes }))
    },
    async plan(options, terminal) {
      return (await load()).plan(options, terminal.hooks)
    },
    async resume(run, { processes: asked, ...changes }, terminal) {
      const task = await load()
      const group = (await import("./processes.js")).formGroup((asked as number | undefined) ?? processesOf(run))
      return trainIn(group, (processes) => {
        return task.resume(run, changes as ResumeChanges, { ...following(terminal), processes })
      })
    },
  })
}

/** How many processes a run began with; undefined where that cannot be read, or another command starts them. */
function processesOf(run: string): number | undefined {
  if (clusterPlace(process.env, () => []) !== undefined) return undefined
  try {
    const { config } = JSON.parse(readFileSync(join(run, "config.json"), "utf8")) as { config: { processes?: number } }
    return config.processes
  } catch {
    return undefined // the task says what is the matter
  }
}

/** What to do after a process was lost. */
function withAdvice({ message, run, isTeller }: LostProcessError, name: string): LostProcessError {
  const advice =
    run === undefined
      ? "Nothing had been saved yet: start it again"
      : `Continue with: resdet ${name} --resume ${word(run)}`
  return new LostProcessError(`${message}. ${advice}`, isTeller)
}

/** What a training tells, on the terminal. */
export function following({ hooks, log, stand }: Terminal): TrainHooks {
  return {
    ...hooks,
    signal: hooks.signal,
    onStep: (report) => stand(stepNote(report, report.epochs), stepLine(report, report.epochs)),
    onEpoch: (report) => log(epochLine(report)),
    onBest: (best) => log(bestLine(best)),
  }
}

/** `new best voc12 0.5312 (0.4907 before): runs/train/train1/weights/best.safetensors` */
function bestLine({ metric, value, before, file }: BestModel): string {
  const since = before === null ? "" : ` (${before.toFixed(4)} before)`
  return `new best ${metric} ${value.toFixed(4)}${since}: ${file}`
}

function summary(name: string, { folder, ended, metric, best, epoch, step }: TrainResult, next: string): string[] {
  const onward = `continue with: resdet ${name} --resume ${word(folder)}`
  if (ended === "signal") return [`stopped after step ${step}; ${onward}`]
  const why = {
    ...{ length: [], time: [`the time is over after step ${step}; ${onward}`] },
    patience: [`ended after epoch ${epoch}: the model got no better`],
  }
  return [
    ...why[ended],
    ...(best === null ? [] : [`best ${metric}: ${best.toFixed(4)}`]),
    `report: ${join(folder, "report.html")}`,
    nextLine(next),
  ]
}

/** What stands behind the bar. */
function stepNote({ epoch, losses, rate }: StepReport, epochs: number): string {
  return `epoch ${epoch}/${Math.max(epoch, epochs)}  loss ${losses.loss?.toFixed(3)}  lr ${Number(rate.toPrecision(3))}`
}

/** One line on where training stands: epoch, step, losses, rate, time, memory, time left. */
export function stepLine(report: StepReport, epochs: number): string {
  const { epoch, step, rate, losses, stepMs, dataMs, bytes, secondsLeft } = report
  return [
    `epoch ${epoch}/${Math.max(epoch, epochs)}`,
    `step ${step}`,
    lossText(losses),
    `lr ${Number(rate.toPrecision(3))}`,
    `${(stepMs / 1000).toFixed(2)} s/step (data ${(dataMs / 1000).toFixed(2)})`,
    `${(bytes / 2 ** 30).toFixed(1)} GB`,
    `${duration(secondsLeft)} left`,
  ].join("  ")
}

/** One line on what an epoch brought: mean losses, and what validation measured. */
export function epochLine({ epoch, epochs, losses, metrics }: EpochReport): string {
  const shown = Object.entries(metrics).filter(([name]) => !name.startsWith("val_loss_"))
  const figures = shown.map(([name, value]) => `${name} ${Number.isNaN(value) ? "n/a" : value.toFixed(4)}`)
  return [`epoch ${epoch}/${Math.max(epoch, epochs)} done`, lossText(losses), ...figures].join("  ")
}

/** `loss 1.23 (objectness 0.10, rpn_box_reg 0.05, classifier 0.70, box_reg 0.38)` */
function lossText({ loss, ...parts }: Readonly<Record<string, number>>): string {
  if (loss === undefined) return "no steps"
  const each = Object.entries(parts).map(([name, value]) => `${name.replace(/^loss_/, "")} ${value.toFixed(3)}`)
  return `loss ${loss.toFixed(3)} (${each.join(", ")})`
}
