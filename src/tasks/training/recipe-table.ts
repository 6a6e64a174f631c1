import type { Recipe } from "../../train/recipes.js"
import type { GivenTrainConfig, TrainConfig } from "../options/train-detector.js"
import { batchesPerStep } from "../options/training.js"

/** An option, its value, and where that comes from. */
type Row = readonly [name: string, value: string, from: string]

/** What a run takes from its recipe and what from elsewhere, one line an option. */
export function recipeTable(recipe: Recipe, given: GivenTrainConfig, config: TrainConfig): string[] {
  const rows = [
    row("split", config.split, given.split, recipe.split),
    validationRow(recipe, given, config),
    ...scheduleRows(recipe, given, config),
    config.optimizer === "adamw" && given.weightDecay === undefined
      ? (["weightDecay", `${config.weightDecay}`, "AdamW's own"] as const)
      : row("weightDecay", config.weightDecay, given.weightDecay, `${recipe.weightDecay}`),
    [
      "batch",
      `${config.batch}`,
      given.batch === undefined ? "default" : given.batch === "auto" ? "what fits into memory" : "given",
    ] as const,
    ...((config.processes ?? 1) === 1
      ? []
      : [["processes", `${config.processes}`, "given: each with batches"] as const]),
    ...(config.accumulate === 1 ? [] : [["accumulate", `${config.accumulate}`, "given: batches a step"] as const]),
    ...sizesRows(recipe, given, config),
    ["preset", config.preset ?? "none", presetOrigin(given, config)] as const,
    ...detectorRows(recipe, config),
  ]
  const [names, values] = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length))) as [
    number,
    number,
  ]
  const [theirs, ours] = [recipe.batch, config.batch * batchesPerStep(config)]
  return [
    `recipe ${given.recipe} (${recipe.from}: ${perStep(theirs)}), here with ${perStep(ours)}:`,
    ...rows.map(([name, value, from]) => `  ${name.padEnd(names)}  ${value.padEnd(values)}  ${from}`),
  ]
}

const perStep = (images: number) => `${images} image${images === 1 ? "" : "s"} a step`

function row(name: string, value: string | number, given: unknown, recipes: string): Row {
  if (given !== undefined) return [name, `${value}`, `given; the recipe has ${recipes}`]
  return [name, `${value}`, recipes === `${value}` ? "recipe" : `recipe: ${recipes}`]
}

function scheduleRows(recipe: Recipe, given: GivenTrainConfig, config: TrainConfig): Row[] {
  const [theirs, ours] = [recipe.batch, config.batch * batchesPerStep(config)]
  const scaled = (counts: readonly number[]) =>
    counts.join(", ") + (theirs === ours || counts.every((count) => count === 0) ? "" : ` x ${theirs}/${ours}`)
  const rate = theirs === ours ? `${recipe.lr}` : `${recipe.lr} x ${ours}/${theirs}`
  const unit = config.steps === undefined ? "epochs" : "steps"
  const length = given.epochs ?? given.steps
  const stretched = length === undefined ? "" : `, in proportion to the ${unit}`
  const round = (value: number) => String(Number(value.toFixed(2)))
  return [
    row(unit, config[unit]!, length, `${scaled([recipe.steps])}${unit === "epochs" ? " steps" : ""}`),
    row("drops", config.drops!.map(round).join(", "), given.drops, `${scaled(recipe.drops)}${stretched}`),
    config.optimizer === "adamw" && given.lr === undefined
      ? ["lr", `${config.lr}`, "AdamW's own"]
      : row("lr", config.lr!, given.lr, rate),
    row("warmup", config.warmup!, given.warmup, scaled([recipe.warmup])),
  ]
}

function validationRow(recipe: Recipe, given: GivenTrainConfig, config: TrainConfig): Row {
  if (recipe.valSplit === null && given.valSplit === undefined) {
    return ["valSplit", "none", "recipe: the annotations are not public"]
  }
  return row("valSplit", config.valSplit, given.valSplit, recipe.valSplit ?? "none")
}

function sizesRows({ sizes }: Recipe, given: GivenTrainConfig, config: TrainConfig): Row[] {
  const shown = config.sizes ?? (config.size === undefined ? [] : [config.size])
  if (shown.length === 0) return []
  return [row("sizes", shown.join(","), given.sizes ?? given.size, sizes?.join(",") ?? "the preset's")]
}

/** What the recipe has otherwise than its preset. */
function detectorRows({ detector }: Recipe, config: TrainConfig): Row[] {
  if (detector === undefined || config.preset !== "paper") return []
  return leaves(detector).map(([path]) => {
    const value = path.split(".").reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config.detector)
    return [`detector.${path}`, JSON.stringify(value), "recipe, unless given"] as const
  })
}

function leaves(tree: object, prefix = ""): [path: string, value: unknown][] {
  return Object.entries(tree).flatMap(([key, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? leaves(value, `${prefix}${key}.`)
      : [[`${prefix}${key}`, value]],
  )
}

function presetOrigin(given: GivenTrainConfig, config: TrainConfig): string {
  if (given.preset !== undefined) return "given"
  return config.preset === undefined ? "what the detector in the weights is like" : "goes with the recipe"
}
