import { type ClassifierOptions, classifierDefaults, ResNet } from "../backbone/classifier.js"
import { networkSpec } from "../backbone/networks.js"
import { DataError } from "../core/errors.js"
import { Parameters, Scope } from "../core/parameters.js"
import { seededRandom } from "../core/random.js"
import { buildFasterRcnn, type OwnBackbone } from "../detector/build.js"
import type { FasterRcnn } from "../detector/faster-rcnn.js"
import type { Precision } from "../engine/names.js"
import { Checkpoint } from "./checkpoint.js"
import type { ClassifierConfig, ClassifierInfo, DetectorInfo } from "./model-info.js"
import type { WeightsSource } from "./open-file.js"

/** A detector that has been read from its file. */
export interface OpenDetector extends DetectorInfo {
  readonly detector: FasterRcnn
  readonly parameters: Parameters
}

/** What the file of a detector tells of it. @throws DataError when it is none of resdet's */
export function expectDetector({ path, model }: Checkpoint): DetectorInfo {
  if (model.kind === "detector") return model.info
  const got = model.kind === "foreign" ? "plain weights" : `a ${model.kind}`
  throw new DataError(`${path}: expected a trained detector, got ${got}. Train one with --weights ${path}`)
}

/**
 * Puts the trained detector of a file together. The engine must have been started.
 * @param backbone the one it was trained with, where a program brought it
 * @throws DataError when the file is no detector of resdet's, or lacks a part
 */
export function detectorFrom(checkpoint: Checkpoint, backbone?: OwnBackbone, precision?: Precision): OpenDetector {
  const info = expectDetector(checkpoint)
  const { model, parameters } = fillModel(checkpoint, (parameters) =>
    buildFasterRcnn(parameters, info.config, info.classes.length, backbone, precision),
  )
  return { ...info, detector: model, parameters }
}

/**
 * Puts a classifier together and creates its parameters, by torchvision's names.
 * @param frozen how many parts do not train
 */
export function buildClassifier(
  parameters: Parameters,
  config: ClassifierConfig,
  numClasses: number,
  { frozen, precision }: Pick<ClassifierOptions, "frozen" | "precision"> = classifierDefaults,
): ResNet {
  const { network, options, meanPicture } = config
  return new ResNet(new Scope(parameters), networkSpec(network, options), {
    classes: numClasses,
    norm: "batch",
    frozen,
    precision,
    meanPicture: meanPicture ? config : undefined,
  })
}

/** A classifier that has been read from its file. */
export interface OpenClassifier extends ClassifierInfo {
  readonly network: ResNet
  readonly parameters: Parameters
}

/** What the file of a classifier tells of it. @throws DataError when it is none of resdet's */
function expectClassifier({ path, model }: Checkpoint): ClassifierInfo {
  if (model.kind === "classifier") return model.info
  if (model.kind !== "foreign") {
    const cure = `Train one with resdet classify train --weights ${path}`
    throw new DataError(`${path}: expected a classifier, got a ${model.kind}. ${cure}`)
  }
  throw new DataError(`${path}: expected a classifier of resdet's. Make one of other weights with resdet import`)
}

/** As `classifierFrom`, of a file, or its bytes. */
export function openClassifier(source: WeightsSource, precision?: Precision): OpenClassifier {
  using checkpoint = Checkpoint.open(source)
  return classifierFrom(checkpoint, precision)
}

/**
 * Puts the trained classifier of a file together. The engine must have been started.
 * @throws DataError when the file is no classifier of resdet's, or lacks a part
 */
function classifierFrom(checkpoint: Checkpoint, precision?: Precision): OpenClassifier {
  const info = expectClassifier(checkpoint)
  const { model, parameters } = fillModel(checkpoint, (parameters) =>
    buildClassifier(parameters, info.config, info.classes.length, { frozen: 0, precision }),
  )
  return { ...info, network: model, parameters }
}

/**
 * Builds a model whose every parameter comes from a file. The engine must have been started.
 * @throws DataError when the file lacks a part
 */
export function fillModel<Model>(
  checkpoint: Checkpoint,
  build: (parameters: Parameters) => Model,
): { readonly model: Model; readonly parameters: Parameters } {
  const parameters = new Parameters(seededRandom(0), checkpoint.weights())
  try {
    const model = build(parameters)
    const [missing] = parameters.initialised
    if (missing === undefined) return { model, parameters }
    throw new DataError(`${checkpoint.path}: "${missing}" is missing or has the wrong shape. The file is incomplete`)
  } catch (error) {
    parameters.dispose()
    throw error
  }
}
