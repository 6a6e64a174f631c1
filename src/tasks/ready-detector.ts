import { UsageError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import { didYouMean } from "../core/suggest.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { DetectorParts } from "../predict/detector-loader.js"
import { engineLine, type PixelDetector } from "../predict/pixel-detector.js"
import type { Listener } from "./hooks.js"
import { weightsFiles } from "./named-weights.js"
import { type CheckedDetectOptions, lookOf } from "./options/detect.js"

/** A detector that is loaded, and how it is to look at images. */
export interface ReadyDetector extends Disposable {
  readonly network: PixelDetector
  readonly weights: readonly string[]
  /** As it was asked for. */
  readonly look: DetectOptions & { readonly score: number }
  /** The same, and which classes are looked for. */
  readonly detect: DetectOptions
  /** The classes whose objects are wanted; all where it is undefined. */
  readonly only: readonly string[] | undefined
}

/** @throws UsageError for a class that the detector does not know, and where its best score is asked for and not known */
export async function readyDetector(
  parts: Pick<DetectorParts, "openNetwork">,
  config: CheckedDetectOptions,
  listener: Listener,
): Promise<ReadyDetector> {
  const asked = lookOf({ ...config, score: undefined })
  const weights = await weightsFiles(config.weights, config.offline, listener)
  const { engine, precision } = config
  const network = await parts.openNetwork(weights, { engine, precision, detect: asked })
  try {
    if (network.engine !== undefined) listener.log(engineLine(network))
    const score = config.score === "best" ? expectBestScore(network.bestScore, weights) : config.score
    const only = classesOf(config.classes, network.classes)
    const look = { ...asked, score }
    const detect = { ...look, ...(only && { only: only.map((name) => network.classes.indexOf(name) + 1) }) }
    return { network, weights, look, detect, only, [Symbol.dispose]: () => network.dispose() }
  } catch (error) {
    network.dispose()
    throw error
  }
}

/** @throws UsageError where the weights tell of no validation */
function expectBestScore(bestScore: number | undefined, weights: readonly string[]): number {
  if (bestScore !== undefined) return bestScore
  const why = weights.length > 1 ? "several detectors have none together" : `${weights[0]} tells of no validation`
  throw new UsageError(`--score best: ${why}. Give a number; resdet eval prints the best one`)
}

/** @throws UsageError for a name that is no class of the detector */
function classesOf(wanted: readonly string[] | undefined, known: readonly string[]): readonly string[] | undefined {
  const unknown = wanted?.find((name) => !known.includes(name))
  if (unknown === undefined) return wanted && [...new Set(wanted)]
  throw new UsageError(
    `--classes: no class "${shown(unknown)}".${didYouMean(unknown, known)} Known: ${known.join(", ")}`,
  )
}
