import { DataError } from "../core/errors.js"
import type { Weights } from "../core/parameters.js"
import { shown } from "../core/shown.js"
import type { NormKind } from "../layers/ops.js"
import { fromTorchAxes, lazyWeight, turnedColors, type Weight } from "./axes.js"
import { type FileFormat, formatOf } from "./file-format.js"
import { torchvisionTensors } from "./foreign-names.js"
import { describeModel, type ModelDescription } from "./model-info.js"
import { adaptNorms } from "./norms.js"
import { readNumpyFile } from "./numpy-file.js"
import { OpenFile, type WeightsSource } from "./open-file.js"
import { batchCounter, type Colors, isFirstFilter, type Origin, originOf } from "./origin.js"
import { weightsIn } from "./run-weights.js"
import { readSafetensors } from "./safetensors.js"
import { bytesOf, type StoredFile, type StoredTensor, valueCount } from "./stored.js"
import { type ChosenTable, chooseTable } from "./tensor-tables.js"
import { readTorchFile } from "./torch-file.js"

export interface WeightOptions {
  /** The model's name for a name of the file; null leaves the tensor out. Names stay as they are by default. */
  readonly rename?: (name: string) => string | null
  /** Norms of the model, by convolution (the model's name without `.weight`); no adapting where left out. */
  readonly norm?: NormKind | ((conv: string) => NormKind | undefined)
  /** What the file's batch norms add to their variance; the origin's where left out. */
  readonly epsilon?: number
  /** The order of colours that the file's network takes; the origin's where left out. */
  readonly colors?: Colors
}

/**
 * A weights file of any kind, opened once: what it is, whose it is, and its tensors, whose values stay on the disk until
 * `weights` is called. Close it, or declare it with `using`.
 */
export class Checkpoint {
  readonly path: string
  /** Told by its first bytes, not by its name. */
  readonly format: FileFormat
  readonly metadata: Readonly<Record<string, string>>
  /**
   * By torchvision's names, in PyTorch's axes: what a wrapper such as `DataParallel` puts before them is gone, and what
   * detectron2 names and orders otherwise is changed.
   */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** A model of resdet's with its info, or foreign weights. */
  readonly model: ModelDescription
  readonly #file: OpenFile
  readonly #stored: StoredFile
  #origin: Origin | undefined

  private constructor(file: OpenFile, key: string | undefined) {
    this.path = file.path
    this.#file = file
    this.format = formatOf(file)
    this.#stored = readers[this.format](file, key)
    this.metadata = this.#stored.metadata
    this.model = describeModel(file.path, this.metadata)
    this.tensors = this.model.kind === "foreign" ? torchvisionTensors(this.#stored.tensors) : this.#stored.tensors
    expectBounded(this.tensors, file.size)
  }

  /**
   * Opens a safetensors file, a PyTorch file or a pickle of numpy arrays, on the disk or in memory; nothing in it is executed.
   * @param given a file or its bytes, or the folder of a training run, whose best weights it then is
   * @param key of the table of tensors to take, such as `model_ema`, or what stands before the names of one network of several
   * @throws DataError one line, for a file that is missing, broken or of another kind, or whose description is broken
   */
  static open(given: WeightsSource, key?: string): Checkpoint {
    const file = new OpenFile(typeof given === "string" ? weightsIn(given) : given)
    try {
      return named(file.path, () => new Checkpoint(file, key))
    } catch (error) {
      file.close()
      throw error
    }
  }

  /** What the file says of its network. @throws DataError for metadata that make no sense */
  get origin(): Origin {
    this.#origin ??= named(this.path, () => originOf(this.#stored, this.tensors, this.model))
    return this.#origin
  }

  /**
   * The values of all tensors in our axes, for `new Parameters(random, weights)`. Whatever colours the file's network takes
   * first, these take red, green and blue.
   * @throws DataError for a file that is broken, or two names that become one
   */
  weights({ rename = (name) => name, norm, epsilon, colors }: WeightOptions = {}): Weights {
    return named(this.path, () => {
      const turns = (colors ?? this.origin.colors) === "bgr"
      const weights = new Map<string, Weight>()
      const known = new Map<StoredTensor, Weight>()
      for (const [name, tensor] of this.tensors) {
        if (name.endsWith(batchCounter)) continue
        const renamed = rename(name)
        if (renamed === null) continue
        if (weights.has(renamed)) throw new DataError(`two tensors are both "${renamed}" to the model`)
        // Names that share a tensor share its values.
        const weight = known.get(tensor) ?? weightOf(tensor, this.path, name, turns && isFirstFilter(name))
        known.set(tensor, weight)
        weights.set(renamed, weight)
      }
      if (weights.size === 0) throw new DataError("holds no tensors")
      if (norm === undefined) return weights
      return adaptNorms(weights, typeof norm === "string" ? () => norm : norm, epsilon ?? this.origin.epsilon)
    })
  }

  /** Which of the file's tables of tensors these are. */
  get table(): ChosenTable | undefined {
    return this.#stored.table
  }

  close(): void {
    this.#file.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

const readers: Readonly<Record<FileFormat, (file: OpenFile, key?: string) => StoredFile>> = {
  safetensors: (file, key) => ofPrefix(readSafetensors(file), key),
  torch: readTorchFile,
  numpy: readNumpyFile,
}

/** Safetensors has one table, whose names may have several networks. */
function ofPrefix(stored: StoredFile, key: string | undefined): StoredFile {
  if (stored.tensors.size === 0) return stored
  const table = chooseTable(stored.tensors, key)
  return { ...stored, tensors: table.tensors, table }
}

/** How many times as large as the file its tensors may be: parts of a model may share them, and little is 16 bits wide. */
const mostShares = 8

/** @throws DataError for tensors that a small file names again and again, which would fill the memory */
function expectBounded(tensors: ReadonlyMap<string, StoredTensor>, size: number): void {
  let bytes = 0
  for (const { dtype, shape } of new Set(tensors.values())) bytes += valueCount(shape) * (bytesOf(dtype) ?? 0)
  if (bytes > mostShares * size) throw new DataError(`names tensors of ${bytes} bytes, and has ${size}`)
}

/**
 * A tensor's values in our axes. One that cannot be read matters only where a model takes it, and throws then.
 * @param path and @param name where it stands, for the errors
 */
function weightOf(tensor: StoredTensor, path: string, name: string, turns: boolean): Weight {
  const read = () => named(path, () => named(shown(name), () => tensor.read(), path))
  const weight = lazyWeight(tensor.shape, read)
  const ours = fromTorchAxes(turns ? turnedColors(weight) : weight)
  try {
    // Read while the file is open.
    return { shape: ours.shape, values: ours.values }
  } catch (error) {
    if (!(error instanceof DataError)) throw error
    return lazyWeight(ours.shape, () => {
      throw error
    })
  }
}

/** Errors of the readers, with what was read in front. @param known what a reader has named already */
function named<Result>(what: string, read: () => Result, known = what): Result {
  try {
    return read()
  } catch (error) {
    if (error instanceof DataError && !error.message.startsWith(known)) throw new DataError(`${what}: ${error.message}`)
    throw error
  }
}
