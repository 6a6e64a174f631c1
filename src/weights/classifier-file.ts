import type { ResNetOptions } from "../backbone/architecture.js"
import { type ClassifierOptions, classifierDefaults, ResNet } from "../backbone/classifier.js"
import { type CifarOptions, networkSpec } from "../backbone/networks.js"
import { DataError } from "../tensor/errors.js"
import type { Normalisation } from "../tensor/normalisation.js"
import { type Parameter, type Parameters, Scope } from "../tensor/parameters.js"
import { saveWeights } from "./load.js"
import { fillModel, infoMetadata, readInfo } from "./model-info.js"

/** All that tells one classifier from another, beside its weights and classes; it is stored in the weights file. */
export interface ClassifierConfig extends Normalisation {
  /** Such as `resnet50` or `cifar_resnet20`. */
  readonly network: string
  readonly options: Partial<Pick<ResNetOptions, "strideIn" | "shortcut"> & Pick<CifarOptions, "zeros">>
  /** Side of the square it was trained on; input pixels. */
  readonly size: number
  /** Shorter side that an image is given in testing, before a square is cut out; its network's usual one where left out. */
  readonly resize?: number
  /** The file holds the mean picture `input.mean`, taken off inputs of `size`; `mean` are its channels' means. */
  readonly meanPicture?: boolean
}

/** What a classifier's file tells beside its weights. */
export interface ClassifierInfo {
  readonly config: ClassifierConfig
  /** Names of the classes 0..K-1. */
  readonly classes: readonly string[]
  /** How it was trained and how well it does, for people. */
  readonly training: Readonly<Record<string, unknown>>
}

/** The metadata key under which `ClassifierInfo` stands in the file, as JSON. */
export const classifierKey = "resdet_classifier"

/** The metadata that make a weights file a classifier's. */
export const classifierMetadata = (info: ClassifierInfo) => infoMetadata(classifierKey, info)

/** Writes a classifier with all that is needed to run it; beside and renamed, so that a broken write leaves the old file. */
export function saveClassifier(path: string, parameters: Iterable<Parameter>, info: ClassifierInfo): void {
  saveWeights(path, parameters, classifierMetadata(info))
}

/** What the file at `path` tells of itself; `undefined` for plain weights and for detectors. */
export const readClassifierInfo = (path: string) => readInfo<ClassifierInfo>(path, classifierKey, "the classifier")

/**
 * Puts a classifier together and creates its parameters, by torchvision's names.
 * @param frozen how many parts do not train
 */
export function buildClassifier(
  parameters: Parameters,
  config: ClassifierConfig,
  numClasses: number,
  { frozen }: Pick<ClassifierOptions, "frozen"> = classifierDefaults,
): ResNet {
  const { network, options, meanPicture } = config
  return new ResNet(new Scope(parameters), networkSpec(network, options), {
    classes: numClasses,
    norm: "batch",
    frozen,
    meanPicture: meanPicture ? config : undefined,
  })
}

/** A classifier that has been read from its file. */
export interface OpenClassifier extends ClassifierInfo {
  readonly network: ResNet
  readonly parameters: Parameters
}

/**
 * Reads a trained classifier. The engine must have been started.
 * @throws DataError when the file is no classifier of resdet's, or lacks a part
 */
export function openClassifier(path: string): OpenClassifier {
  const info = readClassifierInfo(path)
  if (info === undefined) {
    throw new DataError(`${path}: expected a classifier of resdet's. Make one of other weights with resdet import`)
  }
  const build = (parameters: Parameters) => buildClassifier(parameters, info.config, info.classes.length)
  const { model, parameters } = fillModel(path, build)
  return { ...info, network: model, parameters }
}
