import type { BackboneSpec } from "../backbone/backbone.js"
import { UsageError, UserError } from "../core/errors.js"
import type { OwnBackbone } from "../detector/build.js"
import { expectTogether } from "../detector/detect-options.js"
import { gpuDriver } from "../engine/native/load.js"
import { loadOnnxRuntime } from "../engine/onnx-runtime.js"
import { whyNoGraph } from "../onnx/detector-graph.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { nameOfWeights, type WeightsSource } from "../weights/open-file.js"
import type { OpenOptions } from "./detector-loader.js"
import { beyondGraph, expectWithinGraph } from "./graph-detector.js"
import { openTensorNetwork, tensorNetworkFrom } from "./network.js"
import { isGraph, onnxNetworkFrom, openOnnxNetwork, wordsOn } from "./onnx-network.js"
import type { PixelDetector } from "./pixel-detector.js"

/**
 * Loads a trained detector, or several that work as one, into what shall run them. `auto` takes ONNX Runtime where it is
 * installed and the detector has a graph, which is then made in memory: it finds the same, sooner. What a graph cannot do
 * runs on TensorFlow or WebAssembly all the same, and so does everything beside an NVIDIA GPU, where ONNX Runtime would
 * stay on the processor, and bfloat16.
 * @throws DataError when a file is no detector, or the detectors know other classes
 * @throws UserError when the engine cannot run here, or cannot run these detectors, or not in this precision
 */
export async function openNetwork(
  weights: readonly WeightsSource[],
  { engine, detect = {}, backbone, precision = "float32", threads }: OpenOptions,
): Promise<PixelDetector> {
  expectTogether(detect)
  const [first] = weights as [WeightsSource]
  const graph = weights.find(isGraph)
  if (graph !== undefined && engine !== "auto" && engine !== "onnx") {
    throw new UsageError(`${nameOfWeights(graph)}: an ONNX file runs on the engine onnx, got ${engine}`)
  }
  if (graph !== undefined || engine === "onnx") {
    if (precision !== "float32")
      throw new UsageError(`--precision ${precision} is TensorFlow's: the engine onnx computes in float32`)
    const words = wordsOn(graph ?? first)
    if (weights.length > 1) throw new UsageError(`the engine onnx runs one detector, no ensemble. ${words.cure}`)
    expectWithinGraph(detect, words)
    return openOnnxNetwork(first, described(backbone), { threads })
  }
  const onTensors = { backbone, precision }
  const prefersGraph = engine === "auto" && weights.length === 1 && beyondGraph(detect) === undefined
  if (!prefersGraph || typeof backbone === "function" || precision !== "float32") {
    return openTensorNetwork(weights, engine, onTensors)
  }
  using checkpoint = Checkpoint.open(first)
  if (!(await runsBetterOnOnnx(checkpoint))) return await tensorNetworkFrom([checkpoint], engine, onTensors)
  const network = await onnxNetworkFrom(checkpoint, backbone, { threads })
  return withFallback(network, () => openTensorNetwork(weights, "auto", onTensors))
}

/** @throws UsageError for a backbone that is not described, of which there is no graph */
function described(backbone: OwnBackbone | undefined): BackboneSpec | undefined {
  if (typeof backbone !== "function") return backbone
  throw new UsageError("the engine onnx runs backbones that are described with Ops, got a function")
}

async function runsBetterOnOnnx({ model }: Checkpoint): Promise<boolean> {
  if (model.kind !== "detector" || whyNoGraph(model.info.config) !== undefined || gpuDriver() !== undefined)
    return false
  try {
    await loadOnnxRuntime()
    return true
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}

/** A graph, and beside it the same detector on tensors as soon as an option asks for more than the graph can do. */
function withFallback(graph: PixelDetector, openTensors: () => Promise<PixelDetector>): PixelDetector {
  let tensors: Promise<PixelDetector> | undefined
  return {
    ...graph,
    async detect(image, options) {
      if (beyondGraph(options) === undefined) return graph.detect(image, options)
      tensors ??= openTensors()
      return (await tensors).detect(image, options)
    },
    dispose() {
      graph.dispose()
      void tensors?.then((network) => network.dispose())
    },
  }
}
