import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { DataError, UsageError } from "../../core/errors.js"
import { parseJson } from "../../core/plain-data.js"
import { makeFolder, writeWhole } from "../../core/write-whole.js"
import { parseModel } from "../../detector/model.js"
import { type Recipe, recipes, scaleRecipe } from "../../train/recipes.js"
import { hasState } from "../../train/state.js"
import { Checkpoint } from "../../weights/checkpoint.js"
import { planModelName } from "../../weights/plan.js"
import { expectValues, mergedTrees } from "../config.js"
import { listenerOf } from "../hooks.js"
import { type GivenTrainConfig, trainDefaults, trainSchema } from "../options/train-detector.js"
import { makeRunFolder } from "./run-folder.js"
import { type ResumeChanges, refuseExistingRun } from "./run-record.js"
import type { TrainHooks, TrainResult } from "./train-result.js"

/** How one turn is trained; each is a run of its own. */
export interface TurnTrainer {
  start(given: GivenTrainConfig, hooks: TrainHooks): Promise<TrainResult>
  /** @param proposals of the turn, where the run's folder is now */
  resume(
    run: string,
    changes: ResumeChanges & Pick<GivenTrainConfig, "proposals">,
    hooks: TrainHooks,
  ): Promise<TrainResult>
}

/** One turn: where it is trained, and what it is told. */
interface Turn {
  readonly folder: string
  readonly what: string
  readonly given: GivenTrainConfig
}

/** The file that says that a folder's run is made of turns; the last one's run is the folder's own. */
const recordName = "alternate.json"

/** What stays as it is in the last two turns of a c4 detector: the stem and conv2 to conv4. */
const sharedParts = 4

/**
 * The four turns of alternating training: the RPN from the weights; the head from the weights again, on the first RPN's
 * proposals; the RPN's own layers on the second's features; the head's own layers on these, with the third's proposals.
 * @source Faster R-CNN (TPAMI), section 3.2, "4-Step Alternating Training"
 */
function turnsOf(run: string, given: GivenTrainConfig): Turn[] {
  const folders = ["1-rpn", "2-head", "3-rpn"].map((name) => join(run, name))
  const [first, second, third] = folders.map((folder) => join(folder, "weights", "last.safetensors"))
  const shared = { ...given, alternate: false }
  // Before the last turn no network has both parts to be validated.
  const rpn = { ...shared, ...lengthOf(given, "rpn"), part: "rpn", valEvery: 0 } as const
  const head = { ...shared, ...lengthOf(given, "head"), part: "head" } as const
  return [
    { folder: folders[0]!, what: "the RPN", given: { ...rpn, out: folders[0]! } },
    {
      folder: folders[1]!,
      what: "the head, on its proposals",
      given: { ...head, valEvery: 0, proposals: first!, out: folders[1]! },
    },
    {
      folder: folders[2]!,
      what: "the RPN's own layers, on the features of the head's network",
      given: { ...rpn, weights: second!, frozen: sharedParts, out: folders[2]! },
    },
    {
      folder: run,
      what: "the head's own layers, on the same features",
      given: { ...head, weights: third!, frozen: sharedParts, out: run },
    },
  ]
}

type Length = Pick<GivenTrainConfig, "steps" | "drops" | "lr" | "warmup" | "accumulate" | "detector">

/** A recipe's own schedule of a part, unless the user says the length: the head may have more images a step. */
function lengthOf(given: GivenTrainConfig, part: "rpn" | "head"): Partial<Length> {
  const recipe: Recipe | undefined = given.recipe && recipes[given.recipe]
  if (recipe?.alternate === undefined) return {}
  const own = recipe.alternate[part]
  const accumulate = given.accumulate * Math.round(own.batch / recipe.alternate.rpn.batch)
  if (given.batch === "auto") throw new UsageError("--alternate has four trainings of one batch: give --batch a number")
  const images = (given.batch ?? trainDefaults.batch) * accumulate
  const { steps, drops, lr, warmup } = scaleRecipe({ ...recipe, ...own }, images)
  const isOwnLength = given.epochs !== undefined || given.steps !== undefined
  return {
    accumulate,
    lr: given.lr ?? lr,
    warmup: given.warmup ?? warmup,
    ...(!isOwnLength && { steps, drops: given.drops ?? [...drops] }),
    ...(part === "head" && { detector: mergedTrees(regionsOf(recipe.alternate.head), given.detector) }),
  }
}

/** How many of each image, unless the user says it. */
const regionsOf = ({ regions }: { readonly regions: number }) => ({ roi: { sample: { batchSizePerImage: regions } } })

/**
 * Begins the turns in a new run's folder.
 * @throws UsageError for a detector that they are not meant for
 */
export function startTurns(given: GivenTrainConfig, trainer: TurnTrainer, hooks: TrainHooks): Promise<TrainResult> {
  expectTurns(given)
  refuseExistingRun(given.out, (folder) => hasState(folder) || existsSync(join(folder, recordName)))
  const run = makeRunFolder("train", given.out)
  makeFolder(run, run)
  writeTurns(run, given)
  return runTurns(run, given, trainer, hooks)
}

const writeTurns = (run: string, given: GivenTrainConfig) =>
  writeWhole(join(run, recordName), `${JSON.stringify(given, null, 2)}\n`)

/** A detector in the weights says which one is trained. */
function modelOf({ model, weights }: GivenTrainConfig): string {
  if (model !== undefined || weights === undefined || !existsSync(weights)) return model ?? trainDefaults.model
  using checkpoint = Checkpoint.open(weights)
  return planModelName(checkpoint, undefined)
}

function expectTurns(given: GivenTrainConfig): void {
  const { part, proposals, data, backbone, frozen } = given
  if (backbone !== undefined)
    throw new UsageError("--alternate trains resdet's own c4 detectors: leave out the backbone")
  const model = modelOf(given)
  if (parseModel(model).kind !== "c4") {
    throw new UsageError(`--alternate trains c4 detectors, whose two parts share conv1 to conv4; ${model} is none`)
  }
  if (part !== "both" || proposals !== undefined) {
    throw new UsageError("--alternate chooses --part and --proposals itself: leave them out")
  }
  if ((given.processes ?? 1) > 1) throw new UsageError("--alternate runs in one process: leave out --processes")
  if (frozen === sharedParts) throw new UsageError("--alternate trains the shared layers: give a lower --frozen")
  if (typeof data !== "string") throw new UsageError("--alternate takes data of a folder or file, not from a program")
}

/**
 * What a folder's turns are trained by; undefined where its run has none.
 * @throws DataError when its record cannot be read
 */
export function readTurns(run: string): GivenTrainConfig | undefined {
  const file = join(run, recordName)
  if (!existsSync(file)) return undefined
  const read = trainSchema.safeParse(parseJson(readFileSync(file, "utf8")))
  if (read.success) return read.data
  throw new DataError(`${file}: ${read.error.issues[0]!.path.join(".")} does not fit. Start the run anew`)
}

/**
 * Goes on with turns that were stopped.
 * @param changes a new length is the last turn's alone, whose run is the folder's own
 */
export function resumeTurns(
  run: string,
  given: GivenTrainConfig,
  trainer: TurnTrainer,
  hooks: TrainHooks,
  changes: ResumeChanges,
): Promise<TrainResult> {
  expectValues(trainSchema, changes as Record<string, unknown>, () => "--resume")
  const { data = given.data, images = given.images } = changes
  const moved = { ...given, data, images }
  if (data !== given.data || images !== given.images) writeTurns(run, moved)
  return runTurns(run, moved, trainer, hooks, changes)
}

/** Trains the turns that are not done, and goes on with the one that was stopped. */
async function runTurns(
  run: string,
  given: GivenTrainConfig,
  { start, resume }: TurnTrainer,
  hooks: TrainHooks,
  changes: ResumeChanges = {},
): Promise<TrainResult> {
  const { log } = listenerOf(hooks)
  const turns = turnsOf(run, given)
  const { epochs: _, steps: __, ...rest } = changes
  for (const [place, turn] of turns.entries()) {
    const isLast = place === turns.length - 1
    log(`turn ${place + 1} of ${turns.length}: ${turn.what}`)
    const { proposals } = turn.given
    const result = hasState(turn.folder)
      ? await resume(turn.folder, { ...(isLast ? changes : rest), proposals }, hooks)
      : await start(turn.given, hooks)
    // Stopped: its own folder is not the run that a resume goes on with.
    if (isLast || !result.finished) return { ...result, folder: run }
  }
  throw new Error("runTurns: expected a last turn")
}
