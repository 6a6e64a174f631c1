import { batchNormEpsilon } from "../engine/batch-norm.js"
import type { NormKind } from "../layers/ops.js"
import { DataError } from "../tensor/errors.js"
import type { Parameter, Parameters, Weights } from "../tensor/parameters.js"
import { fromDetectron2, isDetectron2 } from "./detectron2.js"
import { readNumpyFile } from "./numpy-file.js"
import { type Colors, detectron2Origin, isFirstFilter, type Origin, torchvisionOrigin, turnedColors } from "./origin.js"
import { SafetensorsFile, writeSafetensors } from "./safetensors.js"
import { readTorchFile } from "./torch-file.js"
import { adaptNorms, fromTorchAxes, toTorchAxes, type Weight } from "./torchvision.js"

export interface LoadOptions {
  /** The model's name for a name of the file; null leaves the tensor out. Names stay as they are by default. */
  readonly rename?: (name: string) => string | null
  /** Norms of the model, by convolution (the model's name without `.weight`); no adapting where left out. */
  readonly norm?: NormKind | ((conv: string) => NormKind | undefined)
  /** What the file's batch norms add to their variance; told from the file's names where left out. */
  readonly epsilon?: number
  /** The order of colours that the file's network takes; told from the kind of file where left out. */
  readonly colors?: Colors
}

export interface LoadedFile {
  readonly weights: Weights
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Reads a safetensors file, a PyTorch file (`.pth`, `.pt`, `.th`) or a pickle of numpy arrays (`.pkl`) of torchvision's
 * or detectron2's names, for `new Parameters(random, weights)`. Whatever colours the file's network takes first, these
 * take red, green and blue.
 * @throws DataError for a file that is broken, or that holds no tensors
 */
export function loadWeights(path: string, options: LoadOptions = {}): LoadedFile {
  const { rename = (name: string) => name, norm } = options
  const { names: all, read: readOwn, metadata, origin } = openWeights(path)
  const turns = (options.colors ?? origin.colors) === "bgr"
  const read = (name: string) => (turns && isFirstFilter(name) ? turnedColors(readOwn(name)) : readOwn(name))
  const names = all.filter((name) => !name.endsWith(COUNTER))
  if (names.length === 0) throw new DataError(`${path}: holds no tensors`)
  // DataParallel puts `module.` before every name.
  const wrapped = names.every((name) => name.startsWith("module."))
  const weights = new Map<string, Weight>()
  for (const name of names) {
    const renamed = rename(wrapped ? name.slice("module.".length) : name)
    if (renamed === null) continue
    if (weights.has(renamed)) throw new DataError(`${path}: two tensors are both "${renamed}" to the model`)
    weights.set(renamed, fromTorchAxes(read(name)))
  }
  if (norm === undefined) return { weights, metadata }
  const kindOf = typeof norm === "string" ? () => norm : norm
  return { weights: adaptNorms(weights, kindOf, options.epsilon ?? frozenEpsilon(all)), metadata }
}

/** What stands in a weights file of any kind, without its values. */
export interface Contents {
  /** The tensors' names, of a file of detectron2's as torchvision has them. */
  readonly names: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly origin: Origin
}

/** @throws DataError for a file that is broken */
export function readContents(path: string): Contents {
  const { names, metadata, origin } = openWeights(path)
  return { names, metadata, origin }
}

/** A weights file of any kind, by the end of its name; tensors in PyTorch's axes. */
function openWeights(path: string): Contents & { read(name: string): Weight } {
  if (/\.(pth|pt|th)$/i.test(path)) return openTensors(path, readTorchFile(path))
  if (/\.pkl$/i.test(path)) {
    const { tensors, author } = readNumpyFile(path)
    return openTensors(path, tensors, author)
  }
  const file = new SafetensorsFile(path)
  const read = (name: string): Weight => ({ shape: file.entries.get(name)!.shape, values: file.read(name) })
  return { names: [...file.entries.keys()], read, metadata: file.metadata, origin: torchvisionOrigin }
}

function openTensors(path: string, own: ReadonlyMap<string, Weight>, author?: string) {
  const foreign = isDetectron2(own)
  try {
    const tensors = foreign ? fromDetectron2(own) : own
    const origin = foreign ? detectron2Origin(author) : torchvisionOrigin
    return { names: [...tensors.keys()], read: (name: string): Weight => tensors.get(name)!, metadata: {}, origin }
  } catch (error) {
    throw error instanceof DataError ? new DataError(`${path}: ${error.message}`) : error
  }
}

/**
 * What the frozen batch norms of a file add to their variance: 0 in a detector of torchvision's first days, of which
 * `fasterrcnn_resnet50_fpn` COCO_V1 is one, told by a name that nothing has had since 0.13; else batch norm's own.
 * @source torchvision `overwrite_eps(model, 0.0)` for those weights
 */
function frozenEpsilon(names: readonly string[]): number {
  const isOld = names.includes("rpn.head.conv.weight") && !names.some((name) => name.endsWith(COUNTER))
  return isOld ? 0 : batchNormEpsilon
}

/** What batch norms that train have in a file, and frozen ones have not. */
const COUNTER = ".num_batches_tracked"

/**
 * Writes a model with PyTorch's axes, so that torchvision reads it and `loadWeights` gives back every bit.
 * @throws DataError when the file cannot be written
 */
export function saveWeights(
  path: string,
  parameters: Iterable<Parameter>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const tensors = [...parameters].map(({ name, variable }) => {
    const values = variable.dataSync<"float32">()
    return [name, toTorchAxes({ shape: variable.shape, values })] as const
  })
  writeSafetensors(path, tensors, metadata)
}

/** What became of a file's tensors and a model's parameters, by name. */
export interface LoadReport {
  readonly loaded: readonly string[]
  /** Made anew: absent in the file, or there with another shape. */
  readonly initialised: readonly string[]
  /** In the file with another shape. */
  readonly mismatched: readonly string[]
  /** In the file, and nowhere in the model. */
  readonly unused: readonly string[]
}

/** Call it when the whole model has been built. */
export function loadReport(parameters: Parameters): LoadReport {
  const { loaded, initialised, mismatched } = parameters
  return { loaded, initialised, mismatched, unused: parameters.unused() }
}

/** The report as lines: how many of what, by stage or layer; the layers by name where they are few. */
export function describeReport(report: LoadReport): string {
  const lines = [`loaded ${report.loaded.length} of ${report.loaded.length + report.initialised.length} parameters`]
  if (report.loaded.length > 0) lines[0] += `: ${groups(report.loaded, 0)}`
  for (const [title, names] of [
    ["initialised", report.initialised],
    ["another shape in the file", report.mismatched],
    ["unused in the file", report.unused],
  ] as const) {
    if (names.length > 0) lines.push(`${title} ${names.length}: ${groups(names, 12)}`)
  }
  return lines.join("\n")
}

/** `backbone.layer1 (8)`, with the layers' names where a group has at most `most` of them. */
function groups(names: readonly string[], most: number): string {
  const byStage = new Map<string, string[]>()
  for (const name of names) {
    const layer = name.slice(0, name.lastIndexOf("."))
    const stage = /^(.*?layer\d+)\./.exec(name)?.[1] ?? layer
    byStage.set(stage, [...(byStage.get(stage) ?? []), layer])
  }
  const texts = [...byStage].map(([stage, layers]) => {
    const inner = [...new Set(layers)].map((layer) => layer.slice(stage.length + 1)).filter((layer) => layer !== "")
    return inner.length > 0 && inner.length <= most ? `${stage} (${inner.join(" ")})` : `${stage} (${layers.length})`
  })
  return texts.join(", ")
}
