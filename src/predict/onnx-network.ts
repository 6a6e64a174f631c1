import type { BackboneSpec } from "../backbone/backbone.js"
import { DataError, UserError } from "../core/errors.js"
import { channelByChannel } from "../onnx/channel-by-channel.js"
import { boundSpecs } from "../onnx/detector-bounds.js"
import { detectorSession, withBoundInputs } from "../onnx/detector-session.js"
import { encodeModel } from "../onnx/encode-model.js"
import { detectorModel } from "../onnx/file-models.js"
import { readOnnxFile } from "../onnx/model-file.js"
import { constantsToInputs } from "../onnx/read-model.js"
import { openSession, type SessionOptions } from "../onnx/session.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { isOnnx } from "../weights/file-format.js"
import { bestScoreOf, type DetectorInfo, describeModel } from "../weights/model-info.js"
import { nameOfWeights, OpenFile, type WeightsSource } from "../weights/open-file.js"
import { expectDetector } from "../weights/open-model.js"
import { type GraphWords, graphDetector } from "./graph-detector.js"
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
    return await running(wordsOn(weights), graph, options).catch((error: unknown) => {
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

/** How messages speak of a detector on ONNX Runtime: an ONNX file has no other engine. */
export const wordsOn = (weights: WeightsSource): GraphWords => ({
  file: nameOfWeights(weights),
  cure: isGraph(weights) ? "Give the .safetensors that it was made of" : "Choose another --engine",
})

/** As `openOnnxNetwork`, of a weights file that has been opened. */
export const onnxNetworkFrom = (
  checkpoint: Checkpoint,
  backbone?: BackboneSpec,
  options?: SessionOptions,
): Promise<PixelDetector> => running(wordsOn(checkpoint.path), makeGraph(checkpoint, backbone), options)

async function running(
  words: GraphWords,
  { info, pieces }: DetectorGraph,
  options?: SessionOptions,
): Promise<PixelDetector> {
  const { config, classes, categoryIds } = info
  const session = detectorSession(await openSession(Buffer.concat(pieces), options))
  const { detect, dispose } = graphDetector(session, { ...words, classes, select: config.options.select })
  return {
    engine: "onnx",
    classes,
    categoryIds,
    bestScore: bestScoreOf(info),
    detect: ({ data, height, width }, options) =>
      detect({ values: channelByChannel(data, 255), height, width }, options),
    dispose,
  }
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
