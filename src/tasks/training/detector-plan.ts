import { UsageError } from "../../core/errors.js"
import { modelDefaults, ownModel, parseModel } from "../../detector/model.js"
import { adamwDefaults, adamwRate } from "../../train/options.js"
import { type Recipe, recipes, scaleRecipe } from "../../train/recipes.js"
import type { Checkpoint } from "../../weights/checkpoint.js"
import { planModelName, planNetwork, planPreset } from "../../weights/plan.js"
import { mergedTrees } from "../config.js"
import { defaultEpochs, type GivenTrainConfig, type TrainConfig, trainDefaults } from "../options/train-detector.js"
import { batchesPerStep } from "../options/training.js"
import { recipeTable } from "./recipe-table.js"

/** The options of a run, and how they came about where a recipe is among them. */
export interface TrainPlan {
  readonly config: TrainConfig
  readonly lines: readonly string[]
}

/**
 * Decides what the user left open: a recipe first, then the detector that training starts from, then the defaults.
 * A recipe says how to train, a preset what the detector is like: neither has what the other has, but for the rate, where
 * the recipe's counts.
 * @param checkpoint of the weights, where some are given
 * @param fitting the batch that fits into memory, where that is asked for and known
 * @throws UsageError for a length in both epochs and steps, or a drop beyond it; DataError for weights that cannot be read
 */
export function planTraining(
  given: GivenTrainConfig,
  checkpoint: Checkpoint | undefined,
  fitting: number = trainDefaults.batch,
): TrainPlan {
  const { epochs, steps } = given
  if (epochs !== undefined && steps !== undefined) {
    throw new UsageError(`expected the run's length in epochs or in steps, got both: ${epochs} epochs, ${steps} steps`)
  }
  const model = given.backbone === undefined ? planModelName(checkpoint, given.model) : ownModel
  const batch = given.batch === "auto" ? fitting : (given.batch ?? trainDefaults.batch)
  const chosen: Recipe | undefined = given.recipe && recipes[given.recipe]
  const preset = given.preset ?? planPreset(checkpoint, model, chosen && presetOf(model, chosen))
  const isAdamW = given.optimizer === "adamw"
  const config: TrainConfig = {
    ...given,
    ...lengthOf(given, chosen, batch * batchesPerStep(given)),
    // A recipe's rate and a preset's are those of SGD.
    ...(isAdamW && { lr: given.lr ?? adamwRate }),
    model,
    batch,
    preset,
    strideIn: strideOf(given, checkpoint, model),
    weightDecay: given.weightDecay ?? (isAdamW ? adamwDefaults : (chosen ?? trainDefaults)).weightDecay,
    split: given.split ?? chosen?.split ?? trainDefaults.split,
    valSplit: given.valSplit ?? chosen?.valSplit ?? trainDefaults.valSplit,
    valEvery: given.valEvery ?? (isPrivate(given, chosen) ? 0 : trainDefaults.valEvery),
    detector: detectorOf(given, chosen, preset),
    sizes: given.sizes ?? (given.size === undefined && chosen?.sizes ? [...chosen.sizes] : undefined),
  }
  expectDropsInside(config)
  return { config, lines: chosen === undefined ? [] : recipeTable(chosen, given, config) }
}

/** The recipe's own values of the paper's detector, under those of the user. */
function detectorOf({ detector }: GivenTrainConfig, chosen: Recipe | undefined, preset: TrainConfig["preset"]) {
  if (preset !== "paper" || chosen?.detector === undefined) return detector
  return mergedTrees(chosen.detector, detector)
}

function strideOf(given: GivenTrainConfig, checkpoint: Checkpoint | undefined, model: string): TrainConfig["strideIn"] {
  if (model === ownModel) return modelDefaults.strideIn
  return planNetwork(checkpoint, `resnet${parseModel(model).depth}`, given).strideIn ?? modelDefaults.strideIn
}

/** Whether the recipe's validation data have no public annotations, and the user named no others. */
function isPrivate({ valSplit }: GivenTrainConfig, chosen: Recipe | undefined): boolean {
  return chosen?.valSplit === null && valSplit === undefined
}

const presetOf = (model: string, { preset }: Recipe) => (model.endsWith("_c4") ? preset.c4 : preset.other)

type Length = Pick<GivenTrainConfig, "epochs" | "steps" | "drops" | "lr" | "warmup">

/** Length, drops, rate and warm-up for `images` a step. The user's length keeps the recipe's drops in proportion. */
function lengthOf(given: GivenTrainConfig, chosen: Recipe | undefined, images: number): Length {
  const { epochs, steps, lr, warmup } = given
  if (chosen === undefined) return { epochs: epochs ?? (steps === undefined ? defaultEpochs : undefined) }
  const scaled = scaleRecipe(chosen, images)
  const length = epochs ?? steps ?? scaled.steps
  const share = (drop: number) => (drop * length) / scaled.steps
  const drops = scaled.drops.map(epochs === undefined ? (drop) => Math.round(share(drop)) : share)
  return {
    ...(epochs === undefined && { steps: length }),
    drops: given.drops ?? drops,
    lr: lr ?? scaled.lr,
    warmup: warmup ?? scaled.warmup,
  }
}

function expectDropsInside({ epochs, steps, drops = [] }: TrainConfig): void {
  const length = (steps ?? epochs)!
  const beyond = drops.find((drop) => drop >= length)
  if (beyond === undefined) return
  const unit = steps === undefined ? "epochs" : "steps"
  throw new UsageError(`expected drops before the end, after ${length} ${unit}, got ${beyond}`)
}
