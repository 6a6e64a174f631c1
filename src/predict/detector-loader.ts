import { withDefaults } from "../core/options.js"
import type { OwnBackbone } from "../detector/build.js"
import type { DetectOptions } from "../detector/detect-options.js"
import type { EngineChoice } from "../engine/names.js"
import { type DetectorHandle, detectorHandle } from "./detector-handle.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"

export interface LoadOptions {
  /** What runs the network; `auto` takes the fastest that is there. All find the same. */
  readonly engine: EngineChoice | "onnx"
  /** The backbone that the detector was trained with, where a program brought it. */
  readonly backbone?: OwnBackbone | undefined
}

const loadDefaults: LoadOptions = { engine: "auto", backbone: undefined }

export interface OpenOptions extends LoadOptions {
  /** How detections will be made, as far as it is known: `auto` then takes at once what can make them. */
  readonly detect?: DetectOptions
}

/** Starts the engine, reads the weights file of a detector, or of several that work as one, and builds their networks. */
type OpenNetwork = (weights: readonly string[], options: OpenOptions) => Promise<PixelDetector>

/** What makes a detector from a file: kept apart from the handle so that a dummy can stand in. */
export interface DetectorParts {
  readonly openNetwork: OpenNetwork
  readonly decode: DecodeImage
}

/** Makes `loadDetector(weights, options)` from its parts. */
export function detectorLoader({ openNetwork, decode }: DetectorParts) {
  return async (weights: string | readonly string[], options: Partial<LoadOptions> = {}): Promise<DetectorHandle> => {
    const network = await openNetwork([weights].flat(), withDefaults("loadDetector", loadDefaults, options))
    return detectorHandle(network, decode)
  }
}
