import { existsSync } from "node:fs"
import type { z } from "zod"
import { networkNames, networkSpec } from "../backbone/networks.js"
import { summarize } from "../backbone/summary.js"
import { UsageError, unlessBroken } from "../core/errors.js"
import { parseJson } from "../core/plain-data.js"
import type { Size } from "../core/shapes.js"
import { didYouMean } from "../core/suggest.js"
import { modelDefaults, modelNames } from "../detector/model.js"
import { summarizeDetector } from "../detector/summary.js"
import type { Summary } from "../layers/count.js"
import { readOnnxFile } from "../onnx/model-file.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { type ClassifierInfo, type DetectorInfo, describeModel as modelOf } from "../weights/model-info.js"
import type { Origin } from "../weights/origin.js"
import { parseOptions } from "./config.js"
import { type DescribeModelOptions, describeModelSchema } from "./options/describe-model.js"

export interface ModelDescription {
  readonly kind: "model"
  readonly model: string
  /** [height, width] */
  readonly inputSize: Size
  readonly classes: number
  readonly parameters: number
  readonly multiplyAdds: number
  readonly layers: Summary["rows"]
}

/** What a weights file says of itself; metadata that hold JSON are parsed. */
export interface WeightsDescription {
  readonly kind: "weights"
  readonly file: string
  /** Values that are learned: the statistics of norms and a mean picture are not. */
  readonly parameters: number
  readonly metadata: Metadata
  readonly tensors: readonly { readonly name: string; readonly dtype: string; readonly shape: readonly number[] }[]
  /** What the file of another tool says of its network. */
  readonly origin?: Origin
  /** Of a detector of ours. */
  readonly detector: DetectorInfo | undefined
  /** Of a classifier of ours. */
  readonly classifier: ClassifierInfo | undefined
}

export interface GraphDescription {
  readonly kind: "onnx"
  readonly file: string
  readonly bytes: number
  readonly metadata: Metadata
  readonly detector: DetectorInfo | undefined
}

type Metadata = Readonly<Record<string, unknown>>

export type Description = ModelDescription | WeightsDescription | GraphDescription

type Config = z.output<typeof describeModelSchema>

/**
 * A model's layers, parameters and multiply-adds, or what a weights file holds; no engine is loaded.
 * @throws UsageError when there is no such file or model, DataError for a broken file
 */
export async function describeModel(options: DescribeModelOptions): Promise<Description> {
  const config = parseOptions("describeModel", describeModelSchema, options)
  const { model } = config
  if (existsSync(model)) return model.endsWith(".onnx") ? describeGraph(model) : describeWeights(model)
  const { summary, inputSize, classes } = networkNames.includes(model) ? classifier(config) : detector(config)
  const { rows: layers, parameters, multiplyAdds } = summary
  return { kind: "model", model, inputSize, classes, parameters, multiplyAdds, layers }
}

function classifier({ model, size, classes, strideIn = modelDefaults.strideIn }: Config) {
  const spec = networkSpec(model, { strideIn })
  const inputSize = sizeOf(size) ?? spec.inputSize
  const count = classes ?? spec.classes
  return { summary: summarize(spec, { inputSize, classes: count }), inputSize, classes: count }
}

/** @source COCO's categories, and photos of 4:3, the usual shape */
const usual = { classes: 80, widthByHeight: 4 / 3 }

function detector({ model, size, classes = usual.classes, strideIn = modelDefaults.strideIn }: Config) {
  if (!modelNames.includes(model)) {
    const known = [...networkNames, ...modelNames]
    const hint = didYouMean(model, known)
    throw new UsageError(`info: no file and no model "${model}".${hint} Known models: ${known.join(", ")}`)
  }
  const shorter = modelDefaults.size
  const inputSize: Size = sizeOf(size) ?? [shorter, Math.round(shorter * usual.widthByHeight)]
  return { summary: summarizeDetector({ ...modelDefaults, model, strideIn }, inputSize, classes), inputSize, classes }
}

function sizeOf(size: Config["size"]): Size | undefined {
  if (typeof size === "number") return [size, size]
  if (typeof size !== "string") return size
  const [height, width] = size.split("x").map(Number)
  return [height!, width!]
}

/** Of networks: what norms and inputs are normalised with. */
const statistics = /\.(running_mean|running_var|num_batches_tracked)$|^input\.mean$/

function describeWeights(path: string): WeightsDescription {
  using file = Checkpoint.open(path)
  const { model } = file
  const detector = model.kind === "detector" ? model.info : undefined
  const classifier = model.kind === "classifier" ? model.info : undefined
  const origin = model.kind === "foreign" && file.origin.network !== undefined ? file.origin : undefined
  const tensors = [...file.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
  const parameters = tensors
    .filter(({ name }) => !statistics.test(name))
    .reduce((sum, { shape }) => sum + shape.reduce((size, length) => size * length, 1), 0)
  const metadata = parsedValues(file.metadata)
  const own = { detector, classifier }
  return { kind: "weights", file: file.path, parameters, metadata, ...(origin && { origin }), tensors, ...own }
}

function describeGraph(path: string): GraphDescription {
  const { bytes, metadata } = readOnnxFile(path)
  return {
    ...{ kind: "onnx", file: path, bytes: bytes.length },
    ...{ metadata: parsedValues(metadata), detector: detectorIn(path, metadata) },
  }
}

/** What a graph says of its detector; undefined where it is of another version or another tool. */
function detectorIn(path: string, metadata: Readonly<Record<string, string>>): DetectorInfo | undefined {
  const model = unlessBroken(() => modelOf(path, metadata))
  return model?.kind === "detector" ? model.info : undefined
}

const parsedValues = (metadata: Readonly<Record<string, string>>): Metadata =>
  Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, parsed(value)]))

function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}
