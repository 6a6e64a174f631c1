import { readFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import type { BackboneSpec } from "../backbone/backbone.js"
import { UserError } from "../core/errors.js"
import { seededRandom } from "../core/random.js"
import type { EngineChoice } from "../engine/names.js"
import { onnxRuntimeVersion } from "../engine/onnx-runtime.js"
import { startEngine } from "../engine/start.js"
import { openSession } from "../onnx/session.js"
import type { WrittenGraph } from "../onnx/write-onnx.js"
import { openClassifier } from "../weights/open-model.js"
import { compareDetectors } from "./compare-detectors.js"
import { madeUpPhoto } from "./made-up-photos.js"
import { openTensorNetwork } from "./network.js"
import { openOnnxNetwork } from "./onnx-network.js"
import type { PixelDetector } from "./pixel-detector.js"

/** How far a written file and its model differ, over some made-up images. */
export type ExportCheck = DetectorCheck | ClassifierCheck

interface DetectorCheck {
  readonly kind: "detector"
  readonly images: number
  /** Detections that both have, and those that only one has. */
  readonly same: number
  readonly alone: number
  /** Largest difference of a score, and of an edge in pixels. */
  readonly score: number
  readonly edge: number
}

interface ClassifierCheck {
  readonly kind: "classifier"
  /** Largest difference of a logit, as a share of the largest logit. */
  readonly logit: number
}

/** Sides of the images that are tried, [height, width]: odd, usual, tall, and one so flat that a level has one row. */
const photoSizes = [
  [97, 131],
  [480, 640],
  [1333, 500],
  [20, 300],
] as const

/** Few of the clear detections may differ: where boxes overlap by almost exactly the threshold, rounding decides. */
const aloneShare = 0.01

/** Of the largest logit. */
const logitTolerance = 1e-3

/** How a file was written, as far as that changes what it gives. */
interface CheckOptions {
  readonly backbone?: BackboneSpec | undefined
  /** The NMS threshold that the file has instead of the model's own. */
  readonly nms?: number | undefined
  /** Told how many of a detector's images are done. */
  readonly onImage?: (done: number, total: number) => void
}

/**
 * Compares what a written file gives with what the model gives.
 * @returns nothing where ONNX Runtime is not installed
 * @throws UserError when they differ
 */
export async function checkExport(
  graph: Pick<WrittenGraph, "kind" | "weights" | "out">,
  engine: EngineChoice,
  options: CheckOptions = {},
): Promise<ExportCheck | undefined> {
  if (onnxRuntimeVersion() === undefined) return undefined
  return graph.kind === "detector" ? checkDetector(graph, engine, options) : checkClassifier(graph, engine)
}

type Files = Pick<WrittenGraph, "weights" | "out">

async function checkDetector(
  { weights, out }: Files,
  engine: EngineChoice,
  { backbone, nms, onImage }: CheckOptions,
): Promise<DetectorCheck> {
  const [model, exported] = [await openTensorNetwork([weights], engine, { backbone }), await openOnnxNetwork(out)]
  // The file keeps its own threshold, so that it is tried too.
  const threshold = nms === undefined ? {} : { nms }
  const reference: PixelDetector = { ...model, detect: (image, how) => model.detect(image, { ...how, ...threshold }) }
  try {
    // The low bound gives something to compare where the detector finds nothing.
    const photos = photoSizes.map(([height, width]) => ({
      image: madeUpPhoto(height, width),
      bounds: { score: 1e-3, maxDetections: 100 },
    }))
    const { same, alone, score, edge } = await compareDetectors(reference, exported, photos, onImage)
    if (alone > aloneShare * (same + alone)) {
      throw new UserError(
        `${out}: differs from ${weights}: ${alone} of ${same + alone} detections are in one of them only`,
      )
    }
    return { kind: "detector", images: photos.length, same, alone, score, edge }
  } finally {
    model.dispose()
    exported.dispose()
  }
}

async function checkClassifier({ weights, out }: Files, engine: EngineChoice): Promise<ClassifierCheck> {
  await startEngine(engine)
  const { network, parameters, config } = openClassifier(weights)
  const session = await openSession(readFileSync(out))
  const random = seededRandom(0)
  let worst = 0
  try {
    for (const images of [1, 3]) {
      const shape = [images, 3, config.size, config.size]
      const values = Float32Array.from({ length: images * 3 * config.size ** 2 }, () => random.normal())
      const { logits } = await session.run({ images: { shape, values } })
      const expected = tf.tidy(() => {
        return network
          .forward(tf.transpose(tf.tensor4d(values, shape as [number, number, number, number]), [0, 2, 3, 1]))
          .dataSync<"float32">()
      })
      const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      for (const [k, value] of expected.entries())
        worst = Math.max(worst, Math.abs(value - Number(logits!.values[k])) / scale)
    }
  } finally {
    parameters.dispose()
    session.dispose()
  }
  if (!(worst <= logitTolerance))
    throw new UserError(`${out}: differs from ${weights} by ${worst} of the largest logit`)
  return { kind: "classifier", logit: worst }
}
