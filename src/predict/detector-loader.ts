import { withDefaults } from "../tensor/options.js"
import { type DetectorHandle, detectorHandle } from "./detector-handle.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"

export interface LoadOptions {
  /** Which engine runs the network; `auto` takes the fastest one that is set up. */
  readonly engine: "tensorflow" | "wasm" | "auto"
}

export const loadDefaults: LoadOptions = { engine: "auto" }

/** Starts the engine, reads the weights file of a detector, or of several that work as one, and builds their networks. */
export type OpenNetwork = (weights: readonly string[], options: LoadOptions) => Promise<PixelDetector>

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
