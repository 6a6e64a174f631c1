import * as tf from "@tensorflow/tfjs-core"
import type { ClassificationBatch } from "../../../datasets/loader/classification-loader.js"
import type { Loader } from "../../../datasets/loader/loader.js"
import type { ReadLabelledSet } from "../../../datasets/read-labelled.js"
import type { ResNet } from "../../backbone/classifier.js"
import { meanPictureName } from "../../backbone/mean-picture.js"
import { meanPicture, meanPictureImages } from "../../classify/mean-picture.js"
import { STATISTICS_EPOCH } from "../../classify/task.js"
import { cropSizes } from "../../classify/test-crops.js"
import { unfoldNorms } from "../../classify/unfold-norms.js"
import { Parameters, type Weights } from "../../core/parameters.js"
import { mixSeeds, seededRandom } from "../../core/random.js"
import type { Checkpoint } from "../../weights/checkpoint.js"
import { describeReport, expectFit } from "../../weights/fit.js"
import type { ClassifierConfig } from "../../weights/model-info.js"
import { foldedNorms } from "../../weights/norms.js"
import { buildClassifier } from "../../weights/open-model.js"
import type { Listener } from "../hooks.js"
import type { ClassifyTrainConfig } from "../options/train-classifier.js"
import { INITIALISATION_SEED, type Origin } from "./trainer.js"

/** The purpose of a seed that draws the images of a mean picture. */
const SAMPLE = 2

/** What a classifier's run begins with, beside its options. */
export interface ClassifierStart {
  /** A new mean picture. */
  readonly picture: Float32Array | undefined
  /** A file's weights, by the classifier's names. */
  readonly from: { readonly checkpoint: Checkpoint; readonly weights: Weights } | undefined
}

/**
 * The network of a run, with the weights it starts from, and which of its norms came folded; says what became of a weights
 * file.
 * @throws DataError when nothing in the file fits
 */
export function buildNetwork(
  { seed, frozen, precision }: ClassifyTrainConfig,
  model: ClassifierConfig,
  { classes }: ReadLabelledSet,
  { start, state }: Origin<ClassifierStart>,
  log: Listener["log"],
): { parameters: Parameters; network: ResNet; folded: readonly string[] } {
  const { picture, from } = start ?? {}
  const weights = state?.weights ?? from?.weights
  const named = picture && ([meanPictureName, { shape: [model.size, model.size, 3], values: picture }] as const)
  const given = named ? new Map([...(weights ?? []), named]) : weights
  const parameters = new Parameters(seededRandom(mixSeeds(seed, INITIALISATION_SEED)), given)
  const network = buildClassifier(parameters, model, classes.length, { frozen, precision })
  if (state !== undefined || from === undefined) return { parameters, network, folded: [] }
  const report = expectFit(from.checkpoint, parameters, model.network)
  log(`${from.checkpoint.path}:\n${describeReport(report)}`)
  if (report.mismatched.some((name) => name.startsWith("fc."))) {
    const known = from.weights.get("fc.bias")?.shape[0]
    log(`fc re-initialised: the weights have ${known} classes, the data ${classes.length}`)
  }
  return {
    parameters,
    network,
    folded: foldedNorms(from.weights).filter((norm) => parameters.get(`${norm}.weight`)?.trainable),
  }
}

/** Gives norms that came folded the statistics of a batch of training images. */
export async function unfold(
  network: ResNet,
  parameters: Parameters,
  folded: readonly string[],
  loader: Loader<number, ClassificationBatch>,
  log: Listener["log"],
): Promise<void> {
  for await (const { pixels, shape } of loader.epoch(STATISTICS_EPOCH)) {
    const images = tf.tensor4d(pixels, [...shape])
    unfoldNorms(network, parameters, folded, images)
    images.dispose()
    log(`${folded.length} batch norms came folded: unfolded over ${shape[0]} training images`)
    return
  }
}

/** The mean picture of all of CIFAR-10, and of a sample of a folder. */
export async function takeMeanPicture(
  set: ReadLabelledSet,
  model: ClassifierConfig,
  seed: number,
  { signal, log }: Listener,
): Promise<Float32Array> {
  const images = set.format === "cifar10" ? set.labels.length : Math.min(set.labels.length, meanPictureImages)
  log(`taking the mean picture of ${images} images`)
  const random = seededRandom(mixSeeds(seed, SAMPLE))
  const picture = await meanPicture(set, cropSizes(model), { images, random, signal })
  signal.throwIfAborted()
  return picture
}
