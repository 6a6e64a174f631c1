import type { RgbImage } from "../../datasets/image/rgb.js"
import type { BackboneSpec } from "../backbone/backbone.js"
import { scoredAtLeast } from "../boxes/detections.js"
import { DataError, UsageError, UserError } from "../core/errors.js"
import { type DetectOptions, selectionFor } from "../detector/detect-options.js"
import { boundSpecs } from "../onnx/detections.js"
import { openDetectorSession, withBoundInputs } from "../onnx/detector-session.js"
import { encodeModel } from "../onnx/encode-model.js"
import { detectorModel } from "../onnx/file-models.js"
import { readOnnxFile } from "../onnx/model-file.js"
import { constantsToInputs } from "../onnx/read-model.js"
import type { SessionOptions } from "../onnx/session.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { isOnnx } from "../weights/file-format.js"
import { bestScoreOf, type DetectorInfo, describeModel } from "../weights/model-info.js"
import { nameOfWeights, OpenFile, type WeightsSource } from "../weights/open-file.js"
import { expectDetector } from "../weights/open-model.js"
import type { PixelDetector } from "./pixel-detector.js"

/**
 * Loads a detector into ONNX Runtime: from an `.onnx` file that `resdet export` wrote, or from a weights file, whose graph
 * is then made in memory. Its `detect` refuses options that `beyondGraph` names.
 * @throws DataError when the file is no detector
 * @throws UserError when ONNX Runtime is not here, or the detector has no graph
 */
export async function openOnnxNetwork(
  weights: WeightsSource,
  backbone?: BackboneSpec,
  options?: SessionOptions,
): Promise<PixelDetector> {
  if (isGraph(weights)) {
    const graph = readGraph(weights)
    const name = nameOfWeights(weights)
    // A graph of ours that is not taken is our fault, one from a file is the file's.
    return await running(name, graph, options).catch((error: unknown) => {
      if (error instanceof UserError || !(error instanceof Error)) throw error
      throw new DataError(`${name}: its graph is broken, ONNX Runtime says: ${error.message.split("\n")[0]}`)
    })
  }
  using checkpoint = Checkpoint.open(weights)
  return await onnxNetworkFrom(checkpoint, backbone, options)
}

/** Whether a file holds a graph, and not weights: its name says so, or its first bytes where it is in memory. */
export const isGraph = (weights: WeightsSource): boolean =>
  typeof weights === "string" ? weights.endsWith(".onnx") : isOnnx(new OpenFile(weights))

/** As `openOnnxNetwork`, of a weights file that has been opened. */
export const onnxNetworkFrom = (
  checkpoint: Checkpoint,
  backbone?: BackboneSpec,
  options?: SessionOptions,
): Promise<PixelDetector> => running(checkpoint.path, makeGraph(checkpoint, backbone), options)

async function running(
  weights: string,
  { info, pieces }: DetectorGraph,
  options?: SessionOptions,
): Promise<PixelDetector> {
  const session = await openDetectorSession(Buffer.concat(pieces), options)
  const { config, classes, categoryIds } = info
  return {
    engine: "onnx",
    classes,
    categoryIds,
    bestScore: bestScoreOf(info),
    async detect(image, options) {
      const beyond = beyondGraph(options)
      if (beyond !== undefined) {
        throw new UsageError(`${weights}: the engine onnx does not support ${beyond}. Choose another --engine`)
      }
      const bounds = selectionFor(config.options.select, options)
      const found = await session.detect(channelByChannel(image), [image.height, image.width], bounds)
      if (found.labels.some((label) => !(label >= 1 && label <= classes.length))) {
        throw new DataError(`${weights}: its graph finds classes that it has no names for`)
      }
      return options.score === undefined ? found : scoredAtLeast(found, options.score)
    },
    dispose: () => session.dispose(),
  }
}

/** The first of the options that a graph cannot do, as it looks at an image once and leaves out what overlaps. */
export function beyondGraph(options: DetectOptions): keyof DetectOptions | undefined {
  const names = ["softNms", "agnosticNms", "vote", "refine", "flip", "scales", "tiles"] as const
  return names.find((name) => options[name] !== undefined && options[name] !== false && options[name] !== "off")
}

interface DetectorGraph {
  readonly info: DetectorInfo
  /** The file, its bounds as inputs. */
  readonly pieces: Uint8Array[]
}

function makeGraph(checkpoint: Checkpoint, backbone: BackboneSpec | undefined): DetectorGraph {
  const info = expectDetector(checkpoint)
  return { info, pieces: encodeModel(withBoundInputs(detectorModel(checkpoint, info, backbone))) }
}

function readGraph(source: WeightsSource): DetectorGraph {
  const { bytes, metadata } = readOnnxFile(source)
  const name = nameOfWeights(source)
  const model = describeModel(name, metadata)
  if (model.kind !== "detector") {
    throw new DataError(`${name}: expected a detector that "resdet export" wrote, got another ONNX model`)
  }
  return { info: model.info, pieces: constantsToInputs(bytes, Object.values(boundSpecs)) }
}

/** `[3 * height * width]` in 0..1. */
function channelByChannel({ data, height, width }: RgbImage): Float32Array {
  const size = height * width
  const values = new Float32Array(3 * size)
  for (let at = 0, from = 0; at < size; at++) {
    values[at] = data[from++]! / 255
    values[size + at] = data[from++]! / 255
    values[2 * size + at] = data[from++]! / 255
  }
  return values
}
