import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Command } from "commander"
import { expect, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { givenOptions } from "../../src/cli/command.js"
import { command as trainCommand } from "../../src/cli/train.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { type TrainConfig, type TrainDetectorOptions, trainSchema } from "../../src/tasks/options/train-detector.js"
import { planDetector } from "../../src/tasks/train-detector.js"
import { planTraining } from "../../src/tasks/training/detector-plan.js"
import { detectorModelConfig, detectorRunOptions, scheduleLine } from "../../src/tasks/training/detector-run.js"
import { learningRate } from "../../src/train/schedule.js"
import type { Checkpoint } from "../../src/weights/checkpoint.js"
import { writeSafetensors } from "../../src/weights/safetensors.js"
import { tempFolder } from "../datasets/samples.js"
import { withCheckpoint } from "../support/read-info.js"
import { fencedBlocks, resdetCalls } from "../support/readme.js"

const opened = <Result>({ weights }: { weights?: string }, use: (checkpoint: Checkpoint | undefined) => Result) =>
  weights === undefined ? use(undefined) : withCheckpoint(weights, use)
const plan = (options: object) => {
  const given = trainSchema.parse({ data: "D", ...options })
  return opened(given as { weights?: string }, (checkpoint) => planTraining(given, checkpoint))
}
const modelOf = ({ config }: { config: TrainConfig }) =>
  opened(config as { weights?: string }, (checkpoint) => detectorModelConfig(config, checkpoint))

test("without a recipe a run is 12 epochs of the preset light", () => {
  const { config, lines } = plan({})
  expect(config).toMatchObject({ epochs: 12, preset: "light", batch: 2, split: "train", valSplit: "val", valEvery: 1 })
  expect(lines).toEqual([])
  const options = detectorRunOptions(config, "voc", 100)
  expect(options).toMatchObject({ epochs: 12, accumulate: 1, metric: "voc12", validateEvery: 1 })
  expect(options.schedule).toMatchObject({ base: 0.01, steps: 1200, drops: [8 / 12, 11 / 12], warmup: 99 })
})

test("a plan with nothing left open is taken back unchanged, whatever it came from", async () => {
  const data = tempFolder()
  await makeShapes(data, { images: 2, valImages: 1, sides: [64, 72], heights: [16, 32], counts: [1, 1] })
  const splits = { split: "train", valSplit: "val" }
  for (const given of [
    {},
    { preset: "torchvision", model: "fasterrcnn_resnet18_fpn" },
    { recipe: "coco-paper", ...splits },
    { recipe: "coco-1x", ...splits, size: 100 },
    { steps: 4, optimizer: "adamw", schedule: "cosine", augment: "strong", anchors: "auto" },
  ] as const) {
    const planned = await planDetector({ data, batch: 1, ...given })
    expect(await planDetector(planned as TrainDetectorOptions)).toEqual(planned)
  }
})

test("a recipe is scaled to the images of a step, and says what came from where", () => {
  const { config, lines } = plan({ recipe: "coco-1x", batch: 2, accumulate: 4, lr: 0.004 })
  expect(config).toMatchObject({ steps: 180_000, drops: [120_000, 160_000], lr: 0.004, warmup: 2000 })
  expect(config).toMatchObject({ split: "train2017", valSplit: "val2017", preset: "detectron2", weightDecay: 1e-4 })
  expect(config.sizes).toEqual([640, 672, 704, 736, 768, 800])
  expect(lines).toEqual([
    "recipe coco-1x (detectron2, 1x: 16 images a step), here with 8 images a step:",
    "  split        train2017                recipe",
    "  valSplit     val2017                  recipe",
    "  steps        180000                   recipe: 90000 x 16/8",
    "  drops        120000, 160000           recipe: 60000, 80000 x 16/8",
    "  lr           0.004                    given; the recipe has 0.02 x 8/16",
    "  warmup       2000                     recipe: 1000 x 16/8",
    "  weightDecay  0.0001                   recipe",
    "  batch        2                        given",
    "  accumulate   4                        given: batches a step",
    "  sizes        640,672,704,736,768,800  recipe",
    "  preset       detectron2               goes with the recipe",
  ])
})

test("a length of one's own keeps the recipe's drops in proportion, in epochs or in steps", () => {
  expect(plan({ recipe: "coco-1x", epochs: 9 }).config).toMatchObject({ epochs: 9, drops: [6, 8] })
  expect(plan({ recipe: "coco-1x", epochs: 9 }).config.steps).toBeUndefined()
  expect(plan({ recipe: "coco-1x", steps: 900 }).config).toMatchObject({ steps: 900, drops: [600, 800] })
  expect(plan({ recipe: "coco-1x", steps: 900, drops: [700] }).config.drops).toEqual([700])
})

test("where the annotations are not public there is no validation, unless the user names data for it", () => {
  expect(plan({ recipe: "voc07++12" }).config.valEvery).toBe(0)
  expect(plan({ recipe: "voc07++12" }).lines.join("\n")).toMatch(
    /valSplit +none +recipe: the annotations are not public/,
  )
  expect(plan({ recipe: "voc07++12", valSplit: "val" }).config).toMatchObject({ valEvery: 1, valSplit: "val" })
})

test("a pyramid gets a preset that fits it, and a preset of one's own stays beside a recipe", () => {
  expect(plan({ recipe: "voc07", model: "fasterrcnn_resnet50_fpn" }).config.preset).toBe("torchvision")
  expect(plan({ recipe: "voc07", preset: "light" }).config.preset).toBe("light")
  expect(plan({ recipe: "coco-1x", size: 400 }).config.sizes).toBeUndefined()
})

test.each([
  [{ epochs: 2, steps: 5 }, /expected the run's length in epochs or in steps, got both: 2 epochs, 5 steps/],
  [{ epochs: 2, drops: [1, 2] }, /expected drops before the end, after 2 epochs, got 2/],
  [{ steps: 9, drops: [10] }, /expected drops before the end, after 9 steps, got 10/],
])("%j is refused in one line", (options, message) => {
  expect(() => plan(options)).toThrow(message)
})

test("drops in epochs and in steps come at the same places of the schedule", () => {
  const ratesOf = (options: object) => {
    const { schedule } = detectorRunOptions(plan({ lr: 1, warmup: 0, ...options }).config, "coco", 10)
    return [0, 59, 60, 79, 80, 89].map((step) => Number(learningRate(step, schedule).toPrecision(3)))
  }
  expect(ratesOf({ epochs: 9, drops: [6, 8] })).toEqual([1, 1, 0.1, 0.1, 0.01, 0.01])
  expect(ratesOf({ steps: 90, drops: [60, 80] })).toEqual([1, 1, 0.1, 0.1, 0.01, 0.01])
})

test("several batches a step make fewer steps and a larger rate", () => {
  const { config } = plan({ accumulate: 4, steps: 60 })
  const options = detectorRunOptions(config, "coco", 10)
  expect(options.schedule).toMatchObject({ base: 0.04, steps: 60, warmup: 2 })
  expect(options).toMatchObject({ steps: 60, epochs: 20, accumulate: 4, metric: "AP" })
  expect(scheduleLine(config, options, 10)).toBe(
    "learning rate 0.04 (0.005 an image x batch 2 x 4 batches a step), warm-up 2 steps; 60 steps in epochs of 3 steps",
  )
})

test("a detector that goes on learning stays what it is like, unless a preset or a size is given", () => {
  const weights = join(tempFolder(), "detector.safetensors")
  const model = "fasterrcnn_resnet34_c4"
  const { ratePerImage: _, ...paper } = preset("paper", model)
  const own = { ...modelDefaults, ...paper, model, strideIn: "1x1", size: 500 } as const
  const info = { format: 1, config: own, classes: ["a"], categoryIds: [1], training: {} }
  writeSafetensors(weights, [["x", { shape: [1], values: Float32Array.of(1) }]], { resdet: JSON.stringify(info) })
  const { config } = plan({ weights })
  expect(config).toMatchObject({ model: "fasterrcnn_resnet34_c4", strideIn: "1x1" })
  expect(config.preset).toBeUndefined()
  expect(modelOf({ config })).toMatchObject({ size: 500, maxSize: 1000, options: paper.options })
  expect(modelOf(plan({ weights, size: 250 }))).toMatchObject({ size: 250, maxSize: 500 })
  expect(modelOf(plan({ weights, preset: "light" })).options).toEqual(preset("light", model).options)
  expect(plan({ weights, recipe: "voc07" }).lines.at(-1)).toMatch(
    /preset +none +what the detector in the weights is like/,
  )
  expect(plan({ weights, model: "fasterrcnn_resnet34_fpn" }).config.preset).toBe("light")
  expect(() => plan({ weights, model: "fasterrcnn_resnet18_c4" })).toThrow("is a resnet34: leave out --model")
})

test("the trainings of docs/reproduce.md take the steps that it says, with options that there are", () => {
  const text = readFileSync("docs/reproduce.md", "utf8")
  const trainings = resdetCalls(fencedBlocks(text)).filter(({ words }) => words[0] === "train")
  const lengths = trainings.map(({ words }) => {
    const command = new Command("train")
    trainCommand.configure(command)
    command.action(() => {}).parse(words.slice(1), { from: "user" })
    const { options } = givenOptions(command, { schema: trainSchema })
    const { config } = planTraining({ ...options, weights: undefined }, undefined)
    expect(() => detectorModelConfig(config, undefined)).not.toThrow()
    return `${config.steps!.toLocaleString("en")} of ${config.batch * config.accumulate} at ${config.lr}`
  })
  const voc = ["110,000 of 1 at 0.001", "143,000 of 1 at 0.001"]
  const coco = "320,000 of 8 at 0.001"
  // The last is ImageNet DET, on as many steps as COCO.
  expect(lengths).toEqual([...voc, coco, coco, coco, ...voc, coco])
  for (const said of ["| 110,000, drop after 80,000 | 0.001 |", "| 143,000, drop after 104,000 | 0.001 |"]) {
    expect(text).toContain(said)
  }
  expect(text).toContain("320,000 steps of 8 photos, rate 0.001, a tenth after 240,000")
})

test("AdamW has a rate and a decay of its own, unless they are given; a recipe's are SGD's", () => {
  const runOptions = ({ config }: { config: TrainConfig }) => detectorRunOptions(config, "voc", 100)
  const adamw = plan({ optimizer: "adamw", recipe: "coco-paper" })
  expect(adamw.config).toMatchObject({ lr: 1e-4, weightDecay: 1e-4 })
  expect(adamw.lines).toContainEqual(expect.stringMatching(/^ {2}lr +0\.0001 +AdamW's own$/))
  expect(runOptions(adamw)).toMatchObject({
    adamw: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 1e-4 },
    schedule: { base: 1e-4 },
  })
  expect(plan({ optimizer: "adamw", lr: 0.01, weightDecay: 0.05 }).config).toMatchObject({
    lr: 0.01,
    weightDecay: 0.05,
  })
  expect(runOptions(plan({})).adamw).toBeUndefined()
})

test("the ResNet's layers and the biases learn at the shares of the rate that they are given", () => {
  const { rates } = detectorRunOptions(plan({ backboneRate: 0.1, biasRate: 2 }).config, "voc", 100)
  const factors = [
    ["backbone.layer3.0.conv1.weight", "conv"],
    ["backbone.body.layer3.0.conv1.weight", "conv"],
    ["backbone.fpn.inner_blocks.0.0.weight", "conv"],
    ["backbone.fpn.inner_blocks.0.0.bias", "bias"],
    ["roi_heads.box_predictor.cls_score.weight", "linear"],
  ] as const
  expect(factors.map(([name, kind]) => rates!({ name, kind }))).toEqual([0.1, 0.1, 1, 2, 1])
})
