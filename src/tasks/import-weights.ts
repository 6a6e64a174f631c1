import type { z } from "zod"
import { networkSpec } from "../backbone/networks.js"
import { DataError, UsageError } from "../core/errors.js"
import { firstFew, shown } from "../core/shown.js"
import { modelNames } from "../detector/model.js"
import { toTorchAxes, type Weight } from "../weights/axes.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { expectedShapes } from "../weights/expected.js"
import { belongsToNetwork } from "../weights/likely-network.js"
import { classifierMetadata } from "../weights/model-info.js"
import { classifierWeights, planInput, planNetwork } from "../weights/plan.js"
import { writeSafetensors } from "../weights/safetensors.js"
import { classNames } from "./class-names.js"
import { parseOptions } from "./config.js"
import { expectSameNetwork, importDetector } from "./import-detector.js"
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
  /** Which of a checkpoint's tables of tensors was taken, and which others hold a network; `null` where there is no choice. */
  readonly table: { readonly key: string; readonly others: readonly string[] } | null
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
    throw new UsageError(
      "import: --allow-missing is for classifiers. Give an incomplete detector to resdet train --weights as it is",
    )
  }
  const { file, key, model, out, mean, std, strideIn, classes } = config
  const names = classes === undefined ? undefined : (count: number) => classNames(classes, count)
  return importDetector(file, { key, model, out, strideIn, mean, std, names })
}

function importClassifier(config: Config): ImportedWeights {
  const { file, key, model, out, allowMissing, strideIn, zeros, mean, std } = config
  using checkpoint = Checkpoint.open(file, key)
  const options = planNetwork(checkpoint, model, { strideIn, zeros })
  const spec = networkSpec(model, options)
  const weights = classifierWeights(checkpoint)
  const count = weights.get("fc.bias")?.shape[0] ?? spec.classes
  const classes = config.classes === undefined ? numbered(count) : classNames(config.classes, count)
  const expected = expectedShapes(spec, count)
  const faults = [...expected].flatMap(([name, shape]) => {
    const given = weights.get(name)?.shape
    if (given === undefined) return [`${name} is missing`]
    return String(given) === String(shape) ? [] : [`${name} is [${given}], expected [${shape}]`]
  })
  const leftOut = [...weights.keys()].filter((name) => !expected.has(name))
  // Of a detector its ResNet alone is taken where that is wanted.
  const beyond = leftOut.filter(allowMissing ? (name) => /^layer\d+\./.test(name) : belongsToNetwork)
  expectSameNetwork(checkpoint, model, [...beyond, ...faults], beyond.length > 0)
  if (faults.length > 0 && !allowMissing) {
    throw new DataError(`${file}: does not fill ${model}: ${firstFew(faults)}. Import what fits with --allow-missing`)
  }
  const fitting = [...weights].filter(([name, { shape }]) => String(expected.get(name)) === String(shape))
  expectNumbers(file, fitting)
  const input = planInput(checkpoint, { ...(mean && { mean }), ...(std && { std }) })
  const network = { network: model, options, size: spec.inputSize[0], ...input }
  // What does not fill the network cannot be run, so that its file does not say it is a classifier.
  const isWhole = faults.length === 0
  const stated = { model, ...options, mean: String(input.mean), std: String(input.std) }
  writeSafetensors(
    out,
    fitting.map(([name, weight]) => [name, toTorchAxes(weight)] as const),
    isWhole ? classifierMetadata({ config: network, classes, training: {} }) : stated,
  )
  return {
    kind: isWhole ? "classifier" : "part",
    ...{ out, model, loaded: fitting.length, tensors: expected.size, classes },
    zeros: options.zeros ?? null,
    leftOut,
    table: choiceOf(checkpoint),
  }
}

/** The choice among a file's tables, where there was one. */
export function choiceOf({ table }: Checkpoint): ImportedWeights["table"] {
  return table === undefined || table.others.length === 0 ? null : { key: table.key, others: table.others }
}

/** @throws DataError for weights that are no numbers, with which every result would be none */
export function expectNumbers(file: string, weights: Iterable<readonly [string, Weight]>): void {
  for (const [name, { values }] of weights) {
    const isVariance = name.endsWith(".running_var")
    const bad = values.find((value) => !Number.isFinite(value) || (isVariance && value < 0))
    if (bad !== undefined)
      throw new DataError(`${file}: ${shown(name)} holds ${bad}. The training that wrote it has failed`)
  }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, k) => String(k))
