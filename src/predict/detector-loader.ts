import { UsageError } from "../core/errors.js"
import { oneOf, wholeNumber, withDefaults } from "../core/options.js"
import { workerFile } from "../core/worker-file.js"
import type { OwnBackbone } from "../detector/build.js"
import type { DetectOptions } from "../detector/detect-options.js"
import { type EngineChoice, type Precision, precisions } from "../engine/names.js"
import type { WeightsSource } from "../weights/open-file.js"
import type { ImageDetections } from "./detection.js"
import { type DetectorDescription, type DetectorHandle, detectorHandle, detectorParts } from "./detector-handle.js"
import { imageModel } from "./image-model.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"
import { threadedModel } from "./threaded-model.js"
import { type GivenWeights, shared, sourcesOf, threadsEach, usualWorkers } from "./worker-options.js"

interface EngineOptions {
  /** What runs the network; `auto` takes the fastest that is there. In float32 all find the same. */
  readonly engine: EngineChoice | "onnx"
  /** The backbone that the detector was trained with, where a program brought it. */
  readonly backbone?: OwnBackbone | undefined
  /** `bf16` takes native TensorFlow on a processor with AVX512_BF16 or AMX; it finds nearly the same, sooner. */
  readonly precision?: Precision | undefined
}

export interface LoadOptions extends EngineOptions {
  /**
   * How many worker threads look at images, each with a copy of the network: the thread that asks goes on meanwhile. 0 works in the
   * thread that asks, as a `backbone` of one's own does.
   */
  readonly workers: number | undefined
  /** How many calls may wait beside those that are being worked on; one more is refused with a `BusyError`. */
  readonly maxQueue: number
}

/** @source ours: an engine uses all cores for one image; a queue longer than this is a mistake, and a list is the better way */
const loadDefaults: LoadOptions = {
  engine: "auto",
  backbone: undefined,
  precision: "float32",
  workers: undefined,
  maxQueue: 1000,
}

const loadRules = {
  precision: oneOf(...precisions),
  workers: (value: unknown) => (value === undefined ? undefined : wholeNumber(value)),
  maxQueue: wholeNumber,
}

export interface OpenOptions extends EngineOptions {
  /** How detections will be made, as far as it is known: `auto` then takes at once what can make them. */
  readonly detect?: DetectOptions
  /** How many threads ONNX Runtime computes with; as many as there are cores where it is left out. */
  readonly threads?: number | undefined
}

/** Starts the engine, reads the weights file of a detector, or of several that work as one, and builds their networks. */
type OpenNetwork = (weights: readonly WeightsSource[], options: OpenOptions) => Promise<PixelDetector>

/** What makes a detector from a file: kept apart from the handle so that a dummy can stand in. */
export interface DetectorParts {
  readonly openNetwork: OpenNetwork
  readonly decode: DecodeImage
}

/** What a detector's thread is started with. */
export interface DetectorData {
  readonly weights: readonly WeightsSource[]
  readonly options: OpenOptions
}

/** Makes `loadDetector(weights, options)` from its parts. */
export function detectorLoader({ openNetwork, decode }: DetectorParts) {
  return async (
    weights: GivenWeights | readonly GivenWeights[],
    options: Partial<LoadOptions> = {},
  ): Promise<DetectorHandle> => {
    const { maxQueue, engine, backbone, precision, ...wanted } = withDefaults(
      "loadDetector",
      loadDefaults,
      options,
      loadRules,
    )
    const workers = wanted.workers ?? (backbone === undefined ? usualWorkers(engine) : 0)
    const sources = sourcesOf("loadDetector", weights)
    if (backbone !== undefined || workers === 0) {
      if (workers > 0)
        throw new UsageError("loadDetector: a backbone of one's own runs in the thread that asks: workers 0")
      const parts = detectorParts(await openNetwork(sources, { engine, backbone, precision }), decode)
      return detectorHandle(parts.info, imageModel(parts), { maxQueue })
    }
    const data: DetectorData = {
      weights: await Promise.all(sources.map(shared)),
      options: { engine, precision, threads: threadsEach(workers) },
    }
    const file = workerFile(import.meta.url, "detector-worker.js")
    const { info, model } = await threadedModel<DetectorDescription, DetectOptions, ImageDetections>(
      file,
      data,
      workers,
    )
    return detectorHandle(info, model, { maxQueue })
  }
}
