import type { Command } from "commander"
import { recipes } from "../train/recipes.js"
import { interruption } from "./exit.js"
import {
  addConfigFlags,
  atLeastOneFlag,
  engineFlag,
  fractionFlag,
  givenFlags,
  positiveFlag,
  positivesFlag,
  sidesFlag,
  wholeNumberFlag,
} from "./flags.js"
import { log, print } from "./report.js"

/** The `train` command. */
export function configure(command: Command): void {
  command
    .option("--data <path>", "a VOC folder (several joined with +), a COCO folder or file, or a YOLO data.yaml")
    .option(
      "--model <name>",
      "such as fasterrcnn_resnet18_c4 (default, unless the weights are a detector), fasterrcnn_resnet50_fpn",
    )
    .option("--weights <file>", "start from a backbone, a detector or torchvision weights (.safetensors, .pth)")
    .option(
      "--stride-in <where>",
      "stride of bottleneck blocks: 3x3 (torchvision) or 1x1 (the paper); default: the weights'",
    )
    .option("--recipe <name>", `how to train, scaled to your batch: ${Object.keys(recipes).join(", ")}`)
    .option("--preset <name>", "what the detector is like: light (default), paper, torchvision or detectron2")
    .option("--epochs <n>", "passes over the data (default: 12)", atLeastOneFlag)
    .option("--steps <n>", "the run's length in steps instead", atLeastOneFlag)
    .option("--drops <list>", "epochs (with --steps: steps) after which the rate drops to a tenth", positivesFlag)
    .option("--lr <rate>", "learning rate (default: the preset's rate times the images of a step)", positiveFlag)
    .option("--warmup <steps>", "steps of linear warm-up (default: the first epoch, 1000 at most)", wholeNumberFlag)
    .option("--batch <n>", "images at a time (default: 2)", atLeastOneFlag)
    .option("--accumulate <n>", "batches a step: the update of a batch n times as large (default: 1)", atLeastOneFlag)
    .option("--ema", "validate and save a running mean of the weights")
    .option(
      "--repeat-threshold <share>",
      "show images of classes rarer than this more often (LVIS: 0.001)",
      fractionFlag,
    )
    .option("--size <pixels>", "shorter side of the input (default: the preset's)", atLeastOneFlag)
    .option("--sizes <list>", "shorter sides of which each training batch draws one: 480,512,544", sidesFlag)
    .option("--max-size <pixels>", "most its longer side may be (default: the preset's)", atLeastOneFlag)
    .option("--split <name>", "what to train on, several with +, one year's as VOC2007/test (default: train)")
    .option("--val-split <name>", "what to validate on (default: val)")
    .option("--images <folder>", "where a COCO file's images are, if not beside it")
    .option("--out <folder>", "where the run goes (default: runs/train/trainN)")
    .option("--seed <n>", "the same seed gives the same run (default: 0)", wholeNumberFlag)
    .option(
      "--resume <run>",
      "go on with an interrupted run, bit for bit; takes only --epochs or --steps, --workers, --engine beside it",
    )
    .option("--val-every <epochs>", "validate so often, 0 for never (default: 1)", wholeNumberFlag)
    .option("--metric <name>", "what makes a model the best: voc12, voc07, AP, AP50, AP75")
    .option("--min-map <0..1>", "exit with 4 when the best value of the metric stays below", fractionFlag)
    .option("--workers <n>", "threads that load images", wholeNumberFlag)
    .addOption(engineFlag())
  addConfigFlags(command).action(() => train(command))
}

async function train(command: Command): Promise<void> {
  const [{ resolveConfig }, { trainSchema }, { planTraining }, { runTrain, resumeTrain }, { Checkpoint }] =
    await Promise.all([
      import("./config.js"),
      import("./train-config.js"),
      import("./train-plan.js"),
      import("./run-train.js"),
      import("../weights/checkpoint.js"),
    ])
  const { flags, file, sets, printConfig } = givenFlags(command)
  const { resume, ...options } = flags
  if (typeof resume === "string") {
    print(await resumeTrain(resume, { flags: options, file, sets }, interruption(), log))
    return
  }
  const paths = ["weights", "out", "images"]
  const given = resolveConfig(trainSchema, { file, flags: options, sets, paths, joinedPaths: ["data"] })
  if (!printConfig) return print(await runTrain(given, interruption(), log))
  using checkpoint = given.weights === undefined ? undefined : Checkpoint.open(given.weights)
  const { config, lines } = planTraining(given, checkpoint)
  for (const line of lines) log(line)
  print(JSON.stringify(config, null, 2))
}
