import { imageNetDeviation, imageNetMean } from "../../datasets/image/resize.js"
import { boundSpecs } from "../onnx/detections.js"
import { openDetectorSession, withBoundInputs } from "../onnx/detector-session.js"
import { encodeModel } from "../onnx/encode-model.js"
import { detectorModel } from "../onnx/file-models.js"
import { readOnnxFile } from "../onnx/model-file.js"
import { constantsToInputs } from "../onnx/read-model.js"
import { DataError } from "../tensor/errors.js"
import { type DetectorInfo, parseDetectorInfo, readDetectorInfo } from "../weights/detector-file.js"
import type { PixelDetector, Pixels } from "./pixel-detector.js"

/**
 * Loads a detector into ONNX Runtime: from an `.onnx` file that `resdet export` wrote, or from a weights file, whose graph
 * is then made in memory.
 * @throws DataError when the file is no detector
 * @throws UserError when ONNX Runtime is not here, or the detector has no graph
 */
export async function openOnnxNetwork(weights: string): Promise<PixelDetector> {
  const { info, pieces } = weights.endsWith(".onnx") ? readGraph(weights) : makeGraph(weights)
  const session = await openDetectorSession(Buffer.concat(pieces))
  const { config, classes, categoryIds } = info
  const { score: leastScore, nmsThreshold, limit } = config.options.select
  return {
    classes,
    categoryIds,
    detect: (image, { score = leastScore, nms = nmsThreshold, maxDetections = limit }) => {
      const bounds = { score, nmsThreshold: nms, limit: maxDetections }
      return session.detect(channelByChannel(image), [image.height, image.width], bounds)
    },
    dispose: () => session.dispose(),
  }
}

interface DetectorGraph {
  readonly info: DetectorInfo
  /** The file, its bounds as inputs. */
  readonly pieces: Uint8Array[]
}

function makeGraph(path: string): DetectorGraph {
  const info = readDetectorInfo(path)
  if (info === undefined) throw new DataError(`${path}: expected a trained detector, got plain weights`)
  const model = detectorModel(path, info, { mean: imageNetMean, deviation: imageNetDeviation })
  return { info, pieces: encodeModel(withBoundInputs(model)) }
}

function readGraph(path: string): DetectorGraph {
  const { bytes, metadata } = readOnnxFile(path)
  const info = parseDetectorInfo(path, metadata)
  if (info === undefined) {
    throw new DataError(`${path}: expected a detector that "resdet export" wrote, got another ONNX model`)
  }
  return { info, pieces: constantsToInputs(bytes, Object.values(boundSpecs)) }
}

/** `[3 * height * width]` in 0..1. */
function channelByChannel({ data, height, width }: Pixels): Float32Array {
  const size = height * width
  const values = new Float32Array(3 * size)
  for (let at = 0, from = 0; at < size; at++) {
    values[at] = data[from++]! / 255
    values[size + at] = data[from++]! / 255
    values[2 * size + at] = data[from++]! / 255
  }
  return values
}
