import { readFileSync } from "node:fs"
import { type Command, InvalidArgumentError, Option } from "commander"
import { networkSpec } from "../backbone/networks.js"
import { modelNames } from "../detector/model.js"
import { DataError, UsageError } from "../tensor/errors.js"
import { positive } from "../tensor/options.js"
import { toTorchAxes } from "../weights/axes.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { expectedShapes } from "../weights/expected.js"
import { classifierMetadata } from "../weights/model-info.js"
import { classifierWeights, planInput, planNetwork } from "../weights/plan.js"
import { writeSafetensors } from "../weights/safetensors.js"
import { importDetector } from "./import-detector.js"
import { firstThree, printLeftOut } from "./import-lines.js"
import { log, print } from "./report.js"

type Channels = readonly [number, number, number]

interface ImportFlags {
  readonly model: string
  readonly out: string
  readonly allowMissing?: boolean
  readonly strideIn?: "3x3" | "1x1"
  readonly zeros?: "after" | "both"
  readonly classes?: string
  readonly mean?: Channels
  readonly std?: Channels
  readonly deviation?: Channels
}

/**
 * `resdet import`: a PyTorch, numpy or safetensors file, checked against a model: a classifier's as one that
 * `resdet classify` runs and `resdet train` starts from, a detector's as one that `detect` and `eval` run.
 */
export function configure(command: Command): void {
  command
    .argument("<file>", "a .pth, .pt, .th, .pkl or .safetensors file; nothing in it is executed")
    .requiredOption("--model <name>", "the network it is for, such as resnet50 or fasterrcnn_resnet50_fpn")
    .requiredOption("--out <file>", "the .safetensors file to write")
    .option(
      "--classes <file>",
      "names of the classes, one a line (default: COCO's for a detector of as many, else numbers)",
    )
    .option("--mean <r,g,b>", "of the values 0..1 it was trained on (default: the file's, else ImageNet's)", meanFlag)
    .option("--std <r,g,b>", "standard deviation of the same", stdFlag)
    .addOption(new Option("--deviation <r,g,b>", "what --std was called").argParser(stdFlag).hideHelp())
    .option("--allow-missing", "write what fits of a file that does not fill the network: weights to train from only")
    .option(
      "--stride-in <where>",
      "stride of bottleneck blocks: 3x3 (torchvision) or 1x1 (the paper); default: the file's",
      strideFlag,
    )
    .option("--zeros <where>", "where a CIFAR network's shortcuts have their zero channels: after or both", zerosFlag)
    .action(importWeights)
}

function importWeights(file: string, { deviation, ...given }: ImportFlags): void | Promise<void> {
  if (deviation !== undefined) log("--deviation is now called --std")
  const flags = { ...(deviation && { std: deviation }), ...given }
  const { model, classes } = flags
  if (!modelNames.includes(model)) return importClassifier(file, flags)
  if (flags.allowMissing) {
    throw new UsageError("import: what does not fill a detector is for resdet train --weights, as it is")
  }
  const names = classes === undefined ? undefined : (count: number) => readNames(classes, count)
  return importDetector(file, { ...flags, names })
}

function importClassifier(file: string, flags: ImportFlags): void {
  const { model, out, allowMissing = false, strideIn, zeros } = flags
  using checkpoint = Checkpoint.open(file)
  const options = planNetwork(checkpoint, model, { strideIn, zeros })
  const spec = networkSpec(model, options)
  const weights = classifierWeights(checkpoint)
  const count = weights.get("fc.bias")?.shape[0] ?? spec.classes
  const classes = flags.classes === undefined ? numbered(count) : readNames(flags.classes, count)
  const expected = expectedShapes(spec, count)
  const faults = [...expected].flatMap(([name, shape]) => {
    const given = weights.get(name)?.shape
    if (given === undefined) return [`${name} is missing`]
    return String(given) === String(shape) ? [] : [`${name} is [${given}], expected [${shape}]`]
  })
  if (faults.length > 0 && !allowMissing) {
    throw new DataError(`${file}: does not fill ${model}: ${firstThree(faults)}. Take part of it with --allow-missing`)
  }
  const beyond = [...weights.keys()].filter((name) => !expected.has(name) && /^layer\d+\./.test(name))
  if (beyond.length > 0) {
    const { network = "another network" } = checkpoint.origin
    throw new DataError(`${file}: holds more layers than a ${model}: ${firstThree(beyond)}. It is ${network}`)
  }
  const fitting = [...weights].filter(([name, { shape }]) => String(expected.get(name)) === String(shape))
  const config = { network: model, options, size: spec.inputSize[0], ...planInput(checkpoint, flags) }
  // What does not fill the network cannot be run, so that its file does not say it is a classifier.
  const stated = { model, ...options, mean: String(config.mean), std: String(config.std) }
  const metadata = faults.length === 0 ? classifierMetadata({ config, classes, training: {} }) : stated
  writeSafetensors(
    out,
    fitting.map(([name, weight]) => [name, toTorchAxes(weight)] as const),
    metadata,
  )
  print(`${out}: ${fitting.length} of ${expected.size} tensors of ${model}, ${count} classes`)
  if (options.zeros !== undefined)
    print(`shortcuts with zero channels ${options.zeros === "both" ? "on both sides" : "after the others"} (--zeros)`)
  printLeftOut([...weights.keys()].filter((name) => !expected.has(name)))
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, k) => String(k))

function readNames(file: string, count: number): string[] {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (error) {
    throw new DataError(`${file}: cannot read the names of the classes (${(error as NodeJS.ErrnoException).code})`)
  }
  const names = text
    .trimEnd()
    .split(/\r?\n/)
    .map((name) => name.trim())
  if (names.length !== count || names.includes("")) {
    throw new DataError(`${file}: expected ${count} names of classes, one a line, got ${names.filter(Boolean).length}`)
  }
  const twice = names.find((name, k) => names.indexOf(name) !== k)
  if (twice !== undefined) throw new DataError(`${file}: the class "${twice}" is there twice. Give each its own name`)
  return names
}

function meanFlag(text: string): Channels {
  const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)))
  if (values.length !== 3 || !values.every(Number.isFinite)) {
    throw new InvalidArgumentError("Expected three numbers for red, green and blue, as in 0.485,0.456,0.406.")
  }
  return values as [number, number, number]
}

function stdFlag(text: string): Channels {
  const values = meanFlag(text)
  if (!values.every((value) => positive(value) === undefined))
    throw new InvalidArgumentError("Expected numbers above 0.")
  return values
}

function strideFlag(text: string): "3x3" | "1x1" {
  if (text !== "3x3" && text !== "1x1") throw new InvalidArgumentError("Expected 3x3 or 1x1.")
  return text
}

function zerosFlag(text: string): "after" | "both" {
  if (text !== "after" && text !== "both") throw new InvalidArgumentError("Expected after or both.")
  return text
}
