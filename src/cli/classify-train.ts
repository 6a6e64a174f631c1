import type { Command } from "commander"
import { interruption } from "./exit.js"
import { addConfigFlags, atLeastOneFlag, engineFlag, givenFlags, positiveFlag, wholeNumberFlag } from "./flags.js"
import { log, print } from "./report.js"

/** The `classify train` command. */
export function configure(command: Command): void {
  command
    .option("--data <path>", "a folder of classes (train/<class>/, val/<class>/), or CIFAR-10's binary files")
    .option("--model <name>", "such as resnet18 (default for folders), resnet50, cifar_resnet20 (default for CIFAR-10)")
    .option("--weights <file>", "start from a classifier (.safetensors); for other classes its last layer is made new")
    .option(
      "--stride-in <where>",
      "stride of bottleneck blocks: 3x3 (torchvision) or 1x1 (the paper); default: the weights'",
    )
    .option("--epochs <n>", "passes over the data (default: 90, CIFAR-10: 164)", atLeastOneFlag)
    .option("--lr <rate>", "learning rate (default: 0.1)", positiveFlag)
    .option("--batch <n>", "images a step (default: 256, CIFAR-10: 128)", atLeastOneFlag)
    .option("--size <pixels>", "side of the square input (default: the network's usual one)", atLeastOneFlag)
    .option("--split <name>", "what to train on (default: train)")
    .option("--val-split <name>", "what to validate on (default: val)")
    .option("--out <folder>", "where the run goes (default: runs/classify/trainN)")
    .option("--seed <n>", "the same seed gives the same run (default: 0)", wholeNumberFlag)
    .option(
      "--resume <run>",
      "go on with an interrupted run, bit for bit; takes only --epochs, --workers, --engine beside it",
    )
    .option("--val-every <epochs>", "validate so often, 0 for never (default: 1)", wholeNumberFlag)
    .option("--workers <n>", "threads that load images", wholeNumberFlag)
    .addOption(engineFlag())
  addConfigFlags(command).action(() => train(command))
}

async function train(command: Command): Promise<void> {
  const [{ resolveConfig }, { classifyTrainSchema }, { runClassifyTrain, resumeClassifyTrain }] = await Promise.all([
    import("./config.js"),
    import("./classify-train-config.js"),
    import("./run-classify-train.js"),
  ])
  const { flags, file, sets, printConfig } = givenFlags(command)
  const { resume, ...options } = flags
  if (typeof resume === "string") {
    print(await resumeClassifyTrain(resume, { flags: options, file, sets }, interruption(), log))
    return
  }
  const paths = ["data", "weights", "out"]
  const renamed = { deviation: "std" }
  const config = resolveConfig(classifyTrainSchema, { file, flags: options, sets, paths, renamed, note: log })
  if (printConfig) return print(JSON.stringify(config, null, 2))
  print(await runClassifyTrain(config, interruption(), log))
}
