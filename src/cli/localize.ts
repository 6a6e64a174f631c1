import type { Command } from "commander"
import { UsageError } from "../tensor/errors.js"
import { interruption } from "./exit.js"
import {
  addConfigFlags,
  atLeastOneFlag,
  engineFlag,
  givenFlags,
  listFlag,
  positiveFlag,
  sidesFlag,
  wholeNumberFlag,
} from "./flags.js"
import { log, print, writeJson } from "./report.js"
import type { LocalizeEvalFlags, LocalizePredictFlags } from "./run-localize.js"

/** The `localize` command: one box for each class of an image, the paper's appendix C. */
export function configure(command: Command): void {
  const training = command
    .command("train")
    .description("train a per-class RPN, or its second stage, on data with boxes")
    .option("--data <path>", "VOC, COCO or YOLO data, or ImageNet's folder with Data/CLS-LOC and Annotations/CLS-LOC")
    .option("--stage <name>", "rpn (default), or rcnn: the second stage, on the proposals of the first")
    .option("--proposals <file>", "the trained per-class RPN that proposes, for --stage rcnn")
    .option("--network <name>", "such as resnet101 (default: the weights' own, else resnet18)")
    .option(
      "--stride-in <where>",
      "stride of bottleneck blocks: 3x3 (torchvision) or 1x1 (the paper); default: the weights'",
    )
    .option("--weights <file>", "start from a classifier, a localizer or torchvision weights")
    .option("--epochs <n>", "passes over the data (default: 12)", atLeastOneFlag)
    .option("--lr <rate>", "learning rate (default: 0.05)", positiveFlag)
    .option("--batch <n>", "crops or regions a step (default: 32; the paper has 256)", atLeastOneFlag)
    .option("--size <pixels>", "side of a crop or warped region (default: 224)", atLeastOneFlag)
    .option("--stages <n>", "stages before the last layers (default: all; 3 is stride 16)", atLeastOneFlag)
    .option("--split <name>", "what to train on (default: train)")
    .option("--val-split <name>", "what to validate on (default: val)")
    .option("--images <folder>", "where a COCO file's images are, if not beside it")
    .option("--out <folder>", "where the run goes (default: runs/localize/trainN)")
    .option("--seed <n>", "the same seed gives the same run (default: 0)", wholeNumberFlag)
    .option("--resume <run>", "go on with an interrupted run; takes only --epochs and --engine beside it")
    .option("--val-every <epochs>", "validate so often, 0 for never (default: 1)", wholeNumberFlag)
    .addOption(engineFlag())
  addConfigFlags(training).action(() => train(training))
  looking(command.command("eval"))
    .description("score a localizer: ImageNet's localization error")
    .requiredOption("--data <path>", "what it is scored on: VOC, COCO, YOLO or ImageNet's data")
    .option("--split <name>", "which part of the data (default: val)")
    .option("--images <folder>", "where a COCO file's images are, if not beside it")
    .action(async (flags: LocalizeEvalFlags) => {
      const { evaluateLocalizer, figuresText } = await import("./run-localize.js")
      const figures = await evaluateLocalizer(flags, interruption(), log)
      if (flags.json !== undefined) writeJson(figures, flags.json)
      if (flags.json !== "-") print(figuresText(figures))
    })
  looking(command.command("predict"))
    .description("find a box for each class a classifier guesses, or for classes you name")
    .requiredOption("--source <path>", "an image, a folder, a pattern or a list file")
    .option("--class <names>", "look for these classes instead of a classifier's; several with commas", listFlag)
    .action(async (flags: LocalizePredictFlags) => {
      if ((flags.classifier === undefined) === (flags.class === undefined)) {
        throw new UsageError("localize predict: expected either --classifier or --class")
      }
      const { predictBoxes } = await import("./run-localize.js")
      await predictBoxes(flags, interruption(), log, print)
    })
}

/** The flags by which images are looked at, the same for `eval` and `predict`. */
function looking(command: Command): Command {
  return command
    .requiredOption("--weights <file>", "a trained per-class RPN")
    .option("--rcnn <file>", "and its second stage")
    .option("--classifier <files...>", "a trained classifier whose five best classes are looked for, or several")
    .option("--view <name>", "dense (default), or centre: one crop")
    .option("--sizes <pixels>", "shorter sides, several with commas (default: 8/7 of the crop's)", sidesFlag)
    .option("--merge <name>", "best (default): the best-scored box; vote: the mean of those around it")
    .option("--proposals <n>", "regions of each class the second stage looks at (default: 200)", atLeastOneFlag)
    .option("--json <file>", "write the result as JSON to a file, or to stdout with -")
    .addOption(engineFlag())
}

async function train(command: Command): Promise<void> {
  const [{ resolveConfig }, { localizeTrainSchema }, runner] = await Promise.all([
    import("./config.js"),
    import("./localize-config.js"),
    import("./run-localize-train.js"),
  ])
  const { flags, file, sets, printConfig } = givenFlags(command)
  const { resume, ...options } = flags
  if (typeof resume === "string") {
    print(await runner.resumeLocalizer(resume, { flags: options, file, sets }, interruption(), log))
    return
  }
  const paths = ["weights", "proposals", "out", "images"]
  const config = resolveConfig(localizeTrainSchema, { file, flags: options, sets, paths, joinedPaths: ["data"] })
  if (printConfig) return print(JSON.stringify(config, null, 2))
  print(await runner.trainLocalizer(config, interruption(), log))
}
