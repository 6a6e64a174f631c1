import { detectorLoader } from "./detector-loader.js"
import { decodePixels } from "./images.js"
import { openNetwork } from "./open-network.js"

/**
 * Loads a trained detector for use from code.
 * @param weights a file that `resdet train` wrote, such as `runs/train/train1/weights/best.safetensors`, or an `.onnx` file
 * that `resdet export` made of it
 * @throws DataError when the file is no detector, UserError when the engine cannot run here
 */
export const loadDetector = detectorLoader({ openNetwork, decode: decodePixels })
