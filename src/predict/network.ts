import { RgbPhoto } from "../../datasets/image/photo.js"
import { detectPhoto } from "../detector/detect-photo.js"
import type { EngineChoice } from "../engine/names.js"
import { startEngine } from "../engine/start.js"
import { type OpenDetector, openDetector } from "../weights/detector-file.js"
import { sharedClasses } from "../weights/shared-classes.js"
import type { RunningDetector } from "./pixel-detector.js"

/**
 * Starts TensorFlow or WebAssembly and loads a trained detector, or several that work as one.
 * @throws DataError when a file is no detector, or the detectors know other classes
 * @throws UserError when the engine cannot run here
 */
export async function openTensorNetwork(weights: readonly string[], engine: EngineChoice): Promise<RunningDetector> {
  const started = await startEngine(engine)
  const networks: OpenDetector[] = []
  const dispose = () => {
    for (const { parameters } of networks) parameters.dispose()
  }
  try {
    for (const path of weights) networks.push(openDetector(path))
    const classes = sharedClasses(networks.map(({ classes }, i) => ({ name: weights[i]!, classes })))
    return {
      engine: started,
      classes,
      categoryIds: networks[0]!.categoryIds,
      detect: async (image, options) => detectPhoto(networks, new RgbPhoto(image), options),
      dispose,
    }
  } catch (error) {
    dispose()
    throw error
  }
}
