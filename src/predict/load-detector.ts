import { detectorLoader } from "./detector-loader.js"
import { decodePixels } from "./images.js"
import { openNetwork } from "./open-network.js"

/**
 * Loads a trained detector for use from code. It runs in a worker thread, or in as many as `workers` says.
 * @param weights a file that `resdet train` wrote, such as `runs/train/train1/weights/best.safetensors`, or an `.onnx` file
 * that `resdet export` made of it, or the bytes of one; or several weights files, whose detectors know the same classes and then
 * work as one
 * @throws DataError when a file is no detector, UserError when the engine cannot run here
 */
export const loadDetector = detectorLoader({ openNetwork, decode: decodePixels })
