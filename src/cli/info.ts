import { existsSync } from "node:fs"
import { type Command, InvalidArgumentError } from "commander"
import { networkNames, networkSpec } from "../backbone/networks.js"
import { type Size, type Summary, summarize } from "../backbone/summary.js"
import { UsageError } from "../tensor/errors.js"
import { didYouMean } from "../tensor/suggest.js"
import type { ClassifierInfo } from "../weights/model-info.js"
import type { Origin } from "../weights/origin.js"
import { atLeastOneFlag } from "./flags.js"
import { print, writeJson } from "./report.js"

interface InfoFlags {
  readonly json?: string
  readonly size?: Size
  readonly classes?: number
  readonly strideIn: "3x3" | "1x1"
}

/** `resdet info`: a model's layers, parameters and multiply-adds, or what a weights file holds; no engine is loaded. */
export function configure(command: Command): void {
  command
    .argument("<model-or-file>", "such as resnet50 or fasterrcnn_resnet18_c4, or a weights or .onnx file")
    .option("--json <target>", "one JSON document, to a file or to stdout for -")
    .option("--size <side>", "input size in pixels: 224, or height x width as in 600x800", sizeFlag)
    .option("--classes <number>", "how many classes (default: those of ImageNet, CIFAR-10 or COCO)", atLeastOneFlag)
    .option(
      "--stride-in <where>",
      "stride of bottleneck blocks: 3x3 (torchvision) or 1x1 (the paper)",
      strideFlag,
      "3x3",
    )
    .action(async (name: string, flags: InfoFlags) => {
      const { text, document } = await (existsSync(name) ? describeFile(name) : describeModel(name, flags))
      if (flags.json === undefined) print(text)
      else writeJson(document, flags.json)
    })
}

interface Description {
  readonly text: string
  readonly document: object
}

async function describeModel(model: string, flags: InfoFlags): Promise<Description> {
  const { summary, inputSize, classes } = networkNames.includes(model)
    ? classifier(model, flags)
    : await detector(model, flags)
  const { rows: layers, parameters, multiplyAdds } = summary
  const [height, width] = inputSize
  const head = `${model}: input ${height}x${width}, ${classes} classes`
  return {
    text: [head, ...table(summary), totals(parameters), `${billions(multiplyAdds)} multiply-adds`].join("\n"),
    document: { model, inputSize, classes, parameters, multiplyAdds, layers },
  }
}

function classifier(model: string, flags: InfoFlags) {
  const spec = networkSpec(model, { strideIn: flags.strideIn })
  const { size, classes = spec.classes } = flags
  const inputSize = size ?? spec.inputSize
  return { summary: summarize(spec, { inputSize, classes }), inputSize, classes }
}

async function detector(model: string, { size, classes = 80, strideIn }: InfoFlags) {
  const { modelDefaults, modelNames } = await import("../detector/model.js")
  if (!modelNames.includes(model)) {
    const known = [...networkNames, ...modelNames]
    const hint = didYouMean(model, known)
    throw new UsageError(`info: no file and no model "${model}".${hint} Known models: ${known.join(", ")}`)
  }
  const { summarizeDetector } = await import("./detector-summary.js")
  // A photo of 4:3, the usual shape.
  const inputSize: Size = size ?? [modelDefaults.size, Math.round((modelDefaults.size * 4) / 3)]
  return { summary: summarizeDetector({ ...modelDefaults, model, strideIn }, inputSize, classes), inputSize, classes }
}

async function describeFile(path: string): Promise<Description> {
  if (path.endsWith(".onnx")) return describeGraph(path)
  const [{ Checkpoint }, { isInfoKey }] = await Promise.all([
    import("../weights/checkpoint.js"),
    import("../weights/model-info.js"),
  ])
  using file = Checkpoint.open(path)
  const { model } = file
  const tensors = [...file.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
  const learned = tensors.filter(
    ({ name }) => !/\.(running_mean|running_var|num_batches_tracked)$|^input\.mean$/.test(name),
  )
  const parameters = learned.reduce((sum, { shape }) => sum + shape.reduce((size, length) => size * length, 1), 0)
  const metadata = parsedValues(file.metadata)
  const width = Math.max(0, ...tensors.map(({ name }) => name.length))
  const lines = tensors.map(({ name, dtype, shape }) => `${name.padEnd(width)}  ${dtype}  [${shape.join(", ")}]`)
  const others = Object.entries(file.metadata).filter(([key]) => model.kind !== "classifier" || !isInfoKey(key))
  const notes = others.map(([key, value]) => `${key}: ${value}`)
  const told = model.kind === "classifier" ? describeClassifier(model.info) : []
  const origin = model.kind === "foreign" && file.origin.network !== undefined ? file.origin : undefined
  if (origin) told.push(describeOrigin(origin))
  return {
    text: [`${path}: ${tensors.length} tensors`, ...told, ...notes, ...lines, totals(parameters)].join("\n"),
    document: { file: path, parameters, metadata, ...(origin && { origin }), tensors },
  }
}

/** What a file of others says of its network. */
function describeOrigin({ name, network, strideIn, doubt, shortcut, colors, input }: Origin): string {
  const stride = strideIn === undefined ? `stride in doubt (${doubt})` : `stride in the ${strideIn}`
  const [mean, std] = [input.mean, input.std].map((values) =>
    values.map((value) => Number(value.toFixed(5))).join(", "),
  )
  return `${network}, ${name}'s: ${stride}, shortcuts ${shortcut}, ${colors.toUpperCase()}, mean ${mean}, std ${std}`
}

function describeClassifier({ config, classes, training }: ClassifierInfo): string[] {
  const { network, options, size, mean, std, meanPicture } = config
  const facts = Object.entries({ ...options, ...training }).map(([name, value]) => {
    return `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`
  })
  return [
    `classifier ${network}: input ${size}x${size}, ${classes.length} classes`,
    `mean${meanPicture ? " (of the picture input.mean)" : ""}: ${mean.join(", ")}; std: ${std.join(", ")}`,
    ...facts,
    `classes: ${classes.join(", ")}`,
  ]
}

/** An ONNX file: what is told of it, which for those of `resdet export` is all that the weights file told. */
async function describeGraph(path: string): Promise<Description> {
  const { readOnnxFile } = await import("../onnx/model-file.js")
  const { bytes, metadata } = readOnnxFile(path)
  const notes = Object.entries(metadata).map(([key, value]) => `${key}: ${value}`)
  return {
    text: [`${path}: ONNX graph, ${(bytes.length / 1e6).toFixed(1)} MB`, ...notes].join("\n"),
    document: { file: path, metadata: parsedValues(metadata) },
  }
}

/** Metadata that hold JSON as what they mean, others as text. */
function parsedValues(metadata: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, parsed(value)]))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function table({ rows }: Summary): string[] {
  const cells = rows.map((row) => [
    row.name,
    `${row.kernel}x${row.kernel}${row.stride > 1 ? ` / ${row.stride}` : ""}`,
    `${row.in} -> ${row.out}`,
    row.size.join("x"),
    row.parameters.toLocaleString("en-US"),
    `${(row.multiplyAdds / 1e6).toFixed(1)} M`,
  ])
  const all = [["layer", "window", "channels", "output", "parameters", "multiply-adds"], ...cells]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((line) => line[column]!.length)))
  return all.map((line) =>
    line
      .map((cell, column) => (column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  )
}

const totals = (parameters: number): string => `${parameters.toLocaleString("en-US")} parameters`
const billions = (count: number): string => `${(count / 1e9).toFixed(3)} billion`

function sizeFlag(text: string): Size {
  const match = /^(\d+)(?:x(\d+))?$/.exec(text)
  const [height, width] = match ? [Number(match[1]), Number(match[2] ?? match[1])] : [0, 0]
  if (height < 1 || width < 1)
    throw new InvalidArgumentError("Expected a side in pixels, or height x width as in 600x800.")
  return [height, width]
}

function strideFlag(text: string): "3x3" | "1x1" {
  if (text !== "3x3" && text !== "1x1") throw new InvalidArgumentError("Expected 3x3 or 1x1.")
  return text
}
