import { readFileSync } from "node:fs"
import type { z } from "zod"
import { networkSpec } from "../backbone/networks.js"
import { modelDefaults, modelNames } from "../detector/model.js"
import { DataError, UsageError } from "../tensor/errors.js"
import { classifierMetadata } from "../weights/classifier-file.js"
import { expectedShapes } from "../weights/expected.js"
import { loadWeights } from "../weights/load.js"
import { writeSafetensors } from "../weights/safetensors.js"
import { toTorchAxes } from "../weights/torchvision.js"
import { parseOptions } from "./config.js"
import { firstThree, importDetector } from "./import-detector.js"
import { type ImportWeightsOptions, importWeightsSchema } from "./options/import-weights.js"

/** A file of ours that was written from another's. */
export interface ImportedWeights {
  /** `part`: what does not fill the network can be trained from, not run. */
  readonly kind: "classifier" | "detector" | "part"
  readonly out: string
  readonly model: string
  /** How many of the model's tensors the file had. */
  readonly loaded: number
  readonly tensors: number
  readonly classes: readonly string[]
  /** Where shortcuts have their zero channels, if the network has such. */
  readonly zeros: "after" | "both" | null
  /** Tensors that the model has no place for. */
  readonly leftOut: readonly string[]
}

type Config = z.output<typeof importWeightsSchema>

/**
 * Checks a PyTorch, numpy or safetensors file against a model and writes it as safetensors: a classifier's as one that
 * `classify` runs and `train` starts from, a detector's as one that `detect` and `eval` run.
 * @throws DataError when the file does not fill the model, UsageError for an unknown model
 */
export async function importWeights(options: ImportWeightsOptions): Promise<ImportedWeights> {
  const config = parseOptions("importWeights", importWeightsSchema, options)
  if (!modelNames.includes(config.model)) return importClassifier(config)
  if (config.allowMissing) {
    throw new UsageError("import: what does not fill a detector is for resdet train --weights, as it is")
  }
  const { file, model, out, mean, std, strideIn = modelDefaults.strideIn, classes } = config
  const names = classes === undefined ? undefined : (count: number) => namesOf(classes, count)
  return importDetector(file, { model, out, strideIn, input: { mean, deviation: std }, names })
}

function importClassifier(config: Config): ImportedWeights {
  const { file, model, out, allowMissing, strideIn = modelDefaults.strideIn, mean, std: deviation } = config
  const spec = networkSpec(model, { strideIn })
  // pytorch_resnet_cifar10 calls the last layer `linear` and pads its shortcuts on both sides.
  let zeros = config.zeros ?? "after"
  const rename = (name: string) => {
    if (!name.startsWith("linear.")) return name
    zeros = config.zeros ?? "both"
    return name.replace("linear.", "fc.")
  }
  const { weights } = loadWeights(file, { rename, norm: "batch" })
  const count = weights.get("fc.bias")?.shape[0] ?? spec.classes
  const classes = config.classes === undefined ? numbered(count) : namesOf(config.classes, count)
  const expected = expectedShapes(spec, count)
  const faults = [...expected].flatMap(([name, shape]) => {
    const given = weights.get(name)?.shape
    if (given === undefined) return [`${name} is missing`]
    return String(given) === String(shape) ? [] : [`${name} is [${given}], expected [${shape}]`]
  })
  if (faults.length > 0 && !allowMissing) {
    throw new DataError(`${file}: does not fill ${model}: ${firstThree(faults)}. Take part of it with --allow-missing`)
  }
  const fitting = [...weights].filter(([name, { shape }]) => String(expected.get(name)) === String(shape))
  const hasZeros = spec.stages.flat().some(({ shortcut }) => typeof shortcut !== "string" && "zeros" in shortcut)
  const hasBottlenecks = spec.stages.flat().some(({ layers }) => layers.length === 3)
  const options = { ...(hasBottlenecks ? { strideIn } : {}), ...(hasZeros ? { zeros } : {}) }
  const network = { network: model, options, size: spec.inputSize[0], mean, deviation }
  // What does not fill the network cannot be run, so that its file does not say it is a classifier.
  const isWhole = faults.length === 0
  const metadata = isWhole ? classifierMetadata({ config: network, classes, training: {} }) : { model, ...options }
  writeSafetensors(
    out,
    fitting.map(([name, weight]) => [name, toTorchAxes(weight)] as const),
    metadata,
  )
  return {
    kind: isWhole ? "classifier" : "part",
    ...{ out, model, loaded: fitting.length, tensors: expected.size, classes },
    zeros: hasZeros ? zeros : null,
    leftOut: [...weights.keys()].filter((name) => !expected.has(name)),
  }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, k) => String(k))

/** Names of classes from a file, one a line, or as they are given. */
function namesOf(given: string | readonly string[], count: number): readonly string[] {
  const [where, names] = typeof given === "string" ? [given, readNames(given)] : ["classes", given]
  if (names.length !== count || names.includes("")) {
    throw new DataError(`${where}: expected ${count} names of classes, one a line, got ${names.filter(Boolean).length}`)
  }
  const twice = names.find((name, k) => names.indexOf(name) !== k)
  if (twice !== undefined) throw new DataError(`${where}: the class "${twice}" is there twice. Give each its own name`)
  return names
}

function readNames(file: string): string[] {
  try {
    const lines = readFileSync(file, "utf8").trimEnd().split(/\r?\n/)
    return lines.map((name) => name.trim())
  } catch (error) {
    throw new DataError(`${file}: cannot read the names of the classes (${(error as NodeJS.ErrnoException).code})`)
  }
}
