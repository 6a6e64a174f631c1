import { withDefaults } from "../tensor/options.js"
import { type DetectorHandle, detectorHandle } from "./detector-handle.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"

export interface LoadOptions {
  /** What runs the network; `auto` takes the fastest that is there. All find the same. */
  readonly engine: "onnx" | "tensorflow" | "wasm" | "auto"
}

export const loadDefaults: LoadOptions = { engine: "auto" }

/** Starts the engine, reads a detector's weights file and builds its network. */
export type OpenNetwork = (weights: string, options: LoadOptions) => Promise<PixelDetector>

/** What makes a detector from a file: kept apart from the handle so that a dummy can stand in. */
export interface DetectorParts {
  readonly openNetwork: OpenNetwork
  readonly decode: DecodeImage
}

/** Makes `loadDetector(weights, options)` from its parts. */
export function detectorLoader({ openNetwork, decode }: DetectorParts) {
  return async (weights: string, options: Partial<LoadOptions> = {}): Promise<DetectorHandle> => {
    const network = await openNetwork(weights, withDefaults("loadDetector", loadDefaults, options))
    return detectorHandle(network, decode)
  }
}
