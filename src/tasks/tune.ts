import { existsSync } from "node:fs"
import { join } from "node:path"
import type { Dataset } from "../../datasets/dataset.js"
import { UsageError } from "../core/errors.js"
import { mixSeeds, seededRandom, shuffleFirst } from "../core/random.js"
import { writeWhole } from "../core/write-whole.js"
import { parseOptions } from "./config.js"
import { holdFolder } from "./folder-lock.js"
import { type Listener, listenerOf, type TaskHooks } from "./hooks.js"
import type { TrainDetectorOptions } from "./options/train-detector.js"
import { trainDefaults } from "./options/train-detector.js"
import { minutesOf } from "./options/training.js"
import { type TuneConfig, type TuneOptions, tuneSchema } from "./options/tune.js"
import { expectNone } from "./own-output.js"
import { planDetector, trainDetector } from "./train-detector.js"
import { readTrainingData } from "./training/box-data.js"
import { makeRunFolder } from "./training/run-folder.js"
import { measurePace } from "./tuning/pace.js"
import { readTuning, type TuningRecord, writeTuning } from "./tuning/record.js"
import { bestTrials, type Choice, drawChoices, planRounds } from "./tuning/search.js"
import { type TuningRow, tuningCsv, tuningPage } from "./tuning/table.js"
import { dropWeights, runTrial, trialFolder, trialLine } from "./tuning/trial.js"

/** What a search came to. */
export interface TuneResult {
  readonly folder: string
  /** What trials are judged by; higher is better. */
  readonly metric: string
  readonly rows: readonly TuningRow[]
  /** The best trial of the last round, null before there is one; `weights` are of its short training. */
  readonly best: (TuningRow & { readonly weights: string }) | null
  /** `train`'s own options in the round that all trials were in. */
  readonly baseline: TuningRow | null
  /** `train`'s options with what was found. */
  readonly options: Readonly<Record<string, unknown>>
  /** What ended it: all rounds are done, the budget, or the signal. */
  readonly ended: "rounds" | "budget" | "signal"
}

/** What only a program can pass. */
type OwnParts = Pick<TuneOptions, "data" | "valData" | "backbone">

/**
 * Looks for a learning rate, an input size, anchors and an augmentation that suit the data: random search with successive
 * halving, within a time budget. Every trial is a training with a whole schedule, of as many steps as its round has.
 * @throws UsageError for a budget that is too short or data without validation images; else as `trainDetector`
 */
export async function tuneDetector(options: TuneOptions, hooks: TaskHooks = {}): Promise<TuneResult> {
  const config = parseOptions("tuneDetector", tuneSchema, options)
  if (config.out !== undefined) refuseOther(config.out)
  const sets = await readSets(config, listenerOf(hooks))
  using held = holdFolder(makeRunFolder("tune", config.out), "searched")
  const isText = typeof config.data === "string"
  const { backbone: _, valData: __, ...plain } = config
  const record = { config: { ...plain, data: isText ? config.data : "(given by the program)" }, spent: 0, results: [] }
  writeTuning(held.folder, record)
  return await search(held.folder, config, sets, record, hooks)
}

/** @throws UsageError where a folder holds a search that has decided what to try, or what a search would overwrite */
function refuseOther(folder: string): void {
  if (!existsSync(join(folder, "tune.json"))) {
    expectNone(folder, ["tune.csv", "tune.html", "trials", "pace"])
  } else if (readTuning(folder).plan !== undefined) {
    throw new UsageError(
      `${folder} already holds a search. Continue it with --resume ${folder}, or choose another --out`,
    )
  }
}

/** Goes on with a search: trials that are done stay as they are, one that was interrupted goes on. */
export async function resumeTuning(
  folder: string,
  own: Partial<OwnParts & Pick<TuneOptions, "budget">> = {},
  hooks: TaskHooks = {},
): Promise<TuneResult> {
  const record = readTuning(folder)
  using held = holdFolder(folder, "searched")
  const config = parseOptions("resumeTuning", tuneSchema, { ...record.config, ...own } as TuneConfig)
  return await search(held.folder, config, await readSets(config, listenerOf(hooks)), record, hooks)
}

/** More steps, and epochs, than a trial has. */
const never = 1_000_000

async function search(
  folder: string,
  config: TuneConfig,
  { training, validation }: Sets,
  before: TuningRecord,
  hooks: TaskHooks,
): Promise<TuneResult> {
  const listener = listenerOf(hooks)
  const { budget, trials, out: _, ...shared } = config
  const seconds = 60 * minutesOf(budget)
  const options = { ...shared, data: training } satisfies TrainDetectorOptions
  let record = before
  const keep = (change: Partial<TuningRecord>) => {
    record = { ...record, ...change }
    writeTuning(folder, record)
  }
  const plan = record.plan ?? (await decide())
  const { choices = [], metric = "" } = record
  const valData = someImages(validation, plan.images, config.seed)
  listener.log(
    `${choices.length} trials, ${plan.steps.length} rounds of ${plan.steps.join(", ")} steps; scored on ` +
      `${plan.images} of ${validation.images.length} validation images by ${metric}`,
  )
  const ended = await allRounds()
  return finish(folder, config, record, ended)

  /** What is tried, and how long: once for a search. */
  async function decide() {
    const begun = performance.now()
    const spent = () => (performance.now() - begun) / 1000
    const decided = await planDetector({ ...options, valData: validation, steps: never })
    const { lr, size, metric } = decided as { lr: number; size: number; metric: string }
    const choices = drawChoices(trials, { lr, size }, config.seed)
    const train = (run: object, own: TaskHooks) => trainDetector({ ...options, ...short, ...run }, own)
    const pace = await measurePace(folder, validation, train, hooks)
    const plan = planRounds(choices, seconds - spent(), pace, validation.images.length)
    keep({ choices, metric, plan, spent: spent() })
    return plan
  }

  async function allRounds(): Promise<TuneResult["ended"]> {
    let standing = choices.map((_, i) => i + 1)
    for (const [r, steps] of plan.steps.entries()) {
      const round = r + 1
      const own = () => record.results.filter((one) => one.round === round)
      for (const trial of standing) {
        if (own().some((one) => one.trial === trial)) continue
        if (record.spent >= seconds) return "budget"
        if (!(await oneTrial(round, trial, steps, standing.length))) return "signal"
      }
      const last = round === plan.steps.length
      const next = bestTrials(own())
      for (const trial of standing) if (!(last && next.includes(trial))) dropWeights(folder, round, trial)
      standing = next
    }
    return "rounds"
  }

  /** @returns whether it came to its end */
  async function oneTrial(round: number, trial: number, steps: number, of: number): Promise<boolean> {
    const begun = performance.now()
    const choice = choices[trial - 1]!
    const out = trialFolder(folder, round, trial)
    const ran = await runTrial(out, { ...options, ...short, ...choice, valData, steps, out }, hooks)
    const own = (performance.now() - begun) / 1000
    const result = ran === "stopped" ? undefined : { round, trial, steps, seconds: own, ...ran }
    keep({ spent: record.spent + own, ...(result && { results: [...record.results, result] }) })
    if (result) listener.log(trialLine(result, choice, metric, of))
    return result !== undefined
  }
}

/** What all trials have: they are validated at their end alone, and one that diverges has lost. */
const short = { valEvery: never, valLoss: false, onDiverge: "stop" } as const

interface Sets {
  readonly training: Dataset
  readonly validation: Dataset
}

async function readSets(config: TuneConfig, listener: Listener): Promise<Sets> {
  const { split = trainDefaults.split, valSplit = trainDefaults.valSplit, policies, ...rest } = config
  // Classes and tiles are chosen by each trial.
  const whole = { ...rest, split, valSplit, valEvery: 1, classes: undefined, singleClass: false, tiles: undefined }
  const { training, validation } = await readTrainingData(whole, policies as object, listener)
  if (validation === undefined) {
    throw new UsageError(
      "tune scores trials on validation images, and there are none. Divide the data by dataset split",
    )
  }
  return { training, validation }
}

/** Some of the images, always the same for a seed. */
function someImages(set: Dataset, count: number, seed: number): Dataset {
  const order = Int32Array.from(set.images.keys())
  shuffleFirst(order, count, seededRandom(mixSeeds(seed, 0)))
  const chosen = [...order.subarray(0, count)].sort((a, b) => a - b)
  return { ...set, images: chosen.map((i) => set.images[i]!) }
}

function finish(folder: string, config: TuneConfig, record: TuningRecord, ended: TuneResult["ended"]): TuneResult {
  const { choices = [], metric = "", results } = record
  const rows = results.map((one): TuningRow => ({ ...one, choice: choices[one.trial - 1]! as Choice }))
  const last = Math.max(...rows.map(({ round }) => round))
  const found = bestTrials(rows.filter(({ round }) => round === last))[0]
  const row = rows.find(({ round, trial }) => round === last && trial === found)
  const best = row
    ? { ...row, weights: join(trialFolder(folder, row.round, row.trial), "weights", "best.safetensors") }
    : null
  const baseline = rows.find(({ round, trial }) => round === 1 && trial === 1) ?? null
  const { budget, trials, out, backbone, valData, ...shared } = config
  writeWhole(join(folder, "tune.csv"), tuningCsv(rows, metric))
  const figures = [
    ["best", best?.value?.toFixed(4)],
    ["metric", metric],
    ["train's own, first round", baseline?.value?.toFixed(4)],
    ["minutes", (record.spent / 60).toFixed(1)],
  ] as const
  writeWhole(join(folder, "tune.html"), tuningPage(rows, metric, figures))
  return { folder, metric, rows, best, baseline, options: { ...shared, ...best?.choice }, ended }
}
