import { gpuDriver } from "../engine/native-load.js"
import { loadOnnxRuntime } from "../engine/onnx-runtime.js"
import { whyNoGraph } from "../onnx/detector-graph.js"
import { UsageError, UserError } from "../tensor/errors.js"
import { readDetectorInfo } from "../weights/detector-file.js"
import type { LoadOptions } from "./detector-loader.js"
import { openTensorNetwork } from "./network.js"
import { openOnnxNetwork } from "./onnx-network.js"
import type { PixelDetector } from "./pixel-detector.js"

/**
 * Loads a trained detector into what shall run it. `auto` takes ONNX Runtime where it is installed and the detector has a
 * graph, which is then made in memory: it finds the same, sooner. Beside an NVIDIA GPU it takes TensorFlow, as
 * ONNX Runtime would stay on the processor.
 * @throws DataError when the file is no detector
 * @throws UserError when the engine cannot run here, or cannot run this detector
 */
export async function openNetwork(weights: string, { engine }: LoadOptions): Promise<PixelDetector> {
  const isGraph = weights.endsWith(".onnx")
  if (isGraph && (engine === "tensorflow" || engine === "wasm")) {
    throw new UsageError(`${weights}: an ONNX file runs on the engine onnx, got ${engine}`)
  }
  if (isGraph || engine === "onnx") return openOnnxNetwork(weights)
  if (engine === "auto" && (await prefersOnnx(weights))) return openOnnxNetwork(weights)
  return openTensorNetwork(weights, engine)
}

async function prefersOnnx(weights: string): Promise<boolean> {
  const info = readDetectorInfo(weights)
  if (info === undefined || whyNoGraph(info.config) !== undefined || gpuDriver() !== undefined) return false
  try {
    await loadOnnxRuntime()
    return true
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}
