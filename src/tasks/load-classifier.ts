import type { z } from "zod"
import { atLeastOne, withDefaults } from "../core/options.js"
import { workerFile } from "../core/worker-file.js"
import type { EngineName } from "../engine/names.js"
import { type CallOptions, type FailedImage, ImageCalls } from "../predict/image-calls.js"
import type { ImageInput } from "../predict/image-input.js"
import { imageModel, type ModelParts } from "../predict/image-model.js"
import { decodePixels } from "../predict/images.js"
import { threadedModel } from "../predict/threaded-model.js"
import { type GivenWeights, shared, sourcesOf, usualWorkers } from "../predict/worker-options.js"
import type { WeightsSource } from "../weights/open-file.js"
import { type ClassGuess, guessClasses } from "./class-lines.js"
import { parseOptions } from "./config.js"
import { openScorer, type RunningScorer } from "./open-scorer.js"
import { loadClassifierSchema, type ScoringOptions } from "./options/classify.js"

export interface ClassifyCallOptions extends CallOptions {
  /** How many classes. */
  readonly top?: number | undefined
}

/** The best classes of one image of a list, best first, or why it cannot be read. */
export type ClassifyResult = (readonly ClassGuess[] & { readonly error?: never }) | FailedImage

/** What is known of a classifier that has been loaded. */
export interface ClassifierDescription {
  /** What runs it. */
  readonly engine: EngineName
  /** Names of the classes 0..K-1. */
  readonly classes: readonly string[]
}

/** A classifier, or several as one, ready to run. It holds the networks' memory until `dispose`. */
export interface ClassifierHandle extends ClassifierDescription {
  /** How many calls of `classify` are not done. */
  readonly pending: number
  /**
   * The best classes of one image, or of each of a list, which go through the network together; best first. Calls may be made at
   * once. Memory that is given must stay as it is until the answer is there, or is handed over by `transfer`.
   * @returns of a list as many results in the same order; an image that cannot be read has an `error` and spoils no other
   * @throws DataError naming the image when it is the only one and cannot be read
   * @throws BusyError when `maxQueue` calls wait, DisposedError after and by `dispose`, the signal's reason when it is aborted
   */
  classify(image: ImageInput, options?: ClassifyCallOptions): Promise<readonly ClassGuess[]>
  classify(images: readonly ImageInput[], options?: ClassifyCallOptions): Promise<ClassifyResult[]>
  /**
   * Frees the networks' memory. Calls that are not done end with a `DisposedError`. `using` calls it at the end of its block.
   */
  dispose(): void
  [Symbol.dispose](): void
}

/** What a classifier's thread is started with. */
export interface ClassifierData {
  readonly weights: readonly WeightsSource[]
  readonly scoring: Omit<ScoringOptions, "weights">
}

export interface TopOptions {
  readonly top: number
}

/**
 * Loads a trained classifier for use from code.
 * @param weights a file that `resdet classify train` or `resdet import` wrote, or its bytes; or several, whose scores are averaged
 * @throws DataError when a file is no classifier, or their classes differ; UserError when the engine cannot run here
 */
export async function loadClassifier(
  weights: GivenWeights | readonly GivenWeights[],
  options: z.input<typeof loadClassifierSchema> = {},
): Promise<ClassifierHandle> {
  const { workers, maxQueue, ...scoring } = parseOptions("loadClassifier", loadClassifierSchema, options)
  const opened = await openModel(
    { weights: sourcesOf("loadClassifier", weights), scoring },
    workers ?? usualWorkers(scoring.engine),
  )
  const calls = new ImageCalls(opened.model, { name: "classify", together: scoring.batch, maxQueue })
  function classify(image: ImageInput, options?: ClassifyCallOptions): Promise<readonly ClassGuess[]>
  function classify(images: readonly ImageInput[], options?: ClassifyCallOptions): Promise<ClassifyResult[]>
  async function classify(
    given: ImageInput | readonly ImageInput[],
    { signal, transfer, ...options }: ClassifyCallOptions = {},
  ): Promise<readonly ClassGuess[] | ClassifyResult[]> {
    const checked = withDefaults<TopOptions>("classify", { top: 5 }, options as Partial<TopOptions>, {
      top: atLeastOne,
    })
    if (Array.isArray(given)) return calls.many(given, checked, { signal, transfer })
    return calls.one(given as ImageInput, checked, { signal, transfer })
  }
  const dispose = () => calls.dispose()
  return {
    ...opened.info,
    get pending() {
      return calls.pending
    },
    classify,
    dispose,
    [Symbol.dispose]: dispose,
  }
}

async function openModel({ weights, scoring }: ClassifierData, workers: number) {
  if (workers === 0) {
    const parts = classifierParts(await openClassifiers({ weights, scoring }))
    return { info: parts.info, model: imageModel(parts) }
  }
  const data: ClassifierData = { weights: await Promise.all(weights.map(shared)), scoring }
  const file = workerFile(import.meta.url, "classifier-worker.js")
  return threadedModel<ClassifierDescription, TopOptions, readonly ClassGuess[]>(file, data, workers)
}

export const openClassifiers = ({ weights, scoring }: ClassifierData): Promise<RunningScorer> =>
  openScorer({ ...scoring, weights }, { log: () => {} })

/** How a classifier runs, and what it tells of itself. */
export function classifierParts(
  scorer: RunningScorer,
): { readonly info: ClassifierDescription } & ModelParts<TopOptions, readonly ClassGuess[]> {
  const { engine, classes } = scorer
  return {
    info: { engine, classes },
    decode: decodePixels,
    infer: (images, { top }) => guessClasses(scorer, images, top),
    dispose: () => scorer.dispose(),
  }
}
