import { RgbPhoto } from "../../datasets/image/photo.js"
import type { OwnBackbone } from "../detector/build.js"
import { detectPhoto } from "../detector/detect-photo.js"
import type { EngineChoice, Precision } from "../engine/names.js"
import { expectPrecision } from "../engine/precision.js"
import { startEngine } from "../engine/start.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { bestScoreOf } from "../weights/model-info.js"
import type { WeightsSource } from "../weights/open-file.js"
import { detectorFrom, type OpenDetector } from "../weights/open-model.js"
import { sharedClasses } from "../weights/shared-classes.js"
import type { PixelDetector } from "./pixel-detector.js"

interface TensorOptions {
  /** The one that the detectors were trained with, where a program brought it. */
  readonly backbone?: OwnBackbone | undefined
  /** `float32` where left out. */
  readonly precision?: Precision | undefined
}

/**
 * Starts TensorFlow or WebAssembly and loads a trained detector, or several that work as one.
 * @throws DataError when a file is no detector, or the detectors know other classes
 * @throws UserError when the engine cannot run here, or not in this precision
 */
export async function openTensorNetwork(
  weights: readonly WeightsSource[],
  engine: EngineChoice,
  options: TensorOptions = {},
): Promise<PixelDetector> {
  const checkpoints: Checkpoint[] = []
  try {
    for (const source of weights) checkpoints.push(Checkpoint.open(source))
    return await tensorNetworkFrom(checkpoints, engine, options)
  } finally {
    for (const checkpoint of checkpoints) checkpoint.close()
  }
}

/** As `openTensorNetwork`, of files that have been opened. */
export async function tensorNetworkFrom(
  checkpoints: readonly Checkpoint[],
  engine: EngineChoice,
  { backbone, precision = "float32" }: TensorOptions,
): Promise<PixelDetector> {
  const started = await startEngine(engine)
  expectPrecision(precision, started)
  const networks: OpenDetector[] = []
  const dispose = () => {
    for (const { parameters } of networks) parameters.dispose()
  }
  try {
    for (const checkpoint of checkpoints) networks.push(detectorFrom(checkpoint, backbone, precision))
    const classes = sharedClasses(networks.map(({ classes }, i) => ({ name: checkpoints[i]!.path, classes })))
    return {
      engine: started,
      precision,
      classes,
      categoryIds: networks[0]!.categoryIds,
      ...(networks.length === 1 && { bestScore: bestScoreOf(networks[0]!) }),
      detect: async (image, options) => detectPhoto(networks, new RgbPhoto(image), options),
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}
