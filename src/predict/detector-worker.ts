import type { DetectOptions } from "../detector/detect-options.js"
import type { ImageDetections } from "./detection.js"
import { detectorParts } from "./detector-handle.js"
import type { DetectorData } from "./detector-loader.js"
import { decodePixels } from "./images.js"
import { serveModel } from "./model-worker.js"
import { openNetwork } from "./open-network.js"

// A worker thread that holds a detector.
serveModel<DetectorData, DetectOptions, ImageDetections>(async ({ weights, options }) =>
  detectorParts(await openNetwork(weights, options), decodePixels),
)
