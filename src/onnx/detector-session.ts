import type { Detections } from "../boxes/boxes.js"
import { toImagePixels } from "../boxes/scale.js"
import { DataError } from "../core/errors.js"
import { boundSpecs, type DetectorBounds } from "./detector-bounds.js"
import type { OnnxModel } from "./model.js"
import { networkSpecs } from "./network-part.js"
import type { Session, SessionTensor } from "./runtime.js"

/** A detector's graph that ONNX Runtime has loaded. */
export interface DetectorSession<Image> {
  /**
   * @returns boxes in image pixels, best score first
   * @throws DataError for a graph of a file that gives something else
   */
  detect(image: Image, bounds: DetectorBounds): Promise<Detections>
  dispose(): void
}

/** An image of any size. */
export interface WholeImage {
  /** `[3 * height * width]` RGB in 0..1, channel by channel. */
  readonly values: Float32Array
  readonly height: number
  readonly width: number
}

/** An image that is resized, normalised and padded. */
export interface NetworkImage {
  /** `[1, 3, H, W]`, channel by channel. */
  readonly pixels: SessionTensor
  /** Of the image inside it, in input pixels. */
  readonly height: number
  readonly width: number
  /** Input pixels = image pixels * scale. */
  readonly scaleX: number
  readonly scaleY: number
}

/** A detector's graph with its bounds as inputs. */
export function withBoundInputs(model: OnnxModel): OnnxModel {
  const specs = Object.values(boundSpecs)
  const names: string[] = specs.map(({ name }) => name)
  const constants = new Map([...model.constants].filter(([name]) => !names.includes(name)))
  return { ...model, constants, inputs: [...model.inputs, ...specs] }
}

/** @param session of a detector's graph with its bounds as inputs */
export const detectorSession = (session: Session): DetectorSession<WholeImage> => ({
  async detect({ values, height, width }, bounds) {
    const image = { shape: [3, height, width], values }
    const { boxes, ...found } = await session.run({ image, ...boundTensors(bounds) })
    return detectionsOf(boxes, found)
  },
  dispose: () => session.dispose(),
})

/** @param session of the `networkPart` of a detector's graph */
export const networkSession = (session: Session): DetectorSession<NetworkImage> => ({
  async detect({ pixels, height, width, scaleX, scaleY }, bounds) {
    const size = { shape: [2], values: BigInt64Array.of(BigInt(height), BigInt(width)) }
    const inputs = { [networkSpecs.pixels.name]: pixels, [networkSpecs.size.name]: size, ...boundTensors(bounds) }
    const { [networkSpecs.boxes.name]: boxes, ...rest } = await session.run(inputs)
    return toImagePixels(detectionsOf(boxes, rest), { scaleX, scaleY })
  },
  dispose: () => session.dispose(),
})

const boundTensors = ({ score, nmsThreshold, maxDetections }: DetectorBounds): Record<string, SessionTensor> => ({
  [boundSpecs.above.name]: { shape: [1], values: Float32Array.of(score) },
  [boundSpecs.overlap.name]: { shape: [1], values: Float32Array.of(nmsThreshold) },
  [boundSpecs.limit.name]: { shape: [1], values: BigInt64Array.of(BigInt(maxDetections)) },
})

function detectionsOf(boxes: SessionTensor | undefined, others: Readonly<Record<string, SessionTensor>>): Detections {
  const { labels, scores } = others
  const count = scores?.values.length
  if (count === undefined || labels?.values.length !== count || boxes?.values.length !== 4 * count) {
    throw new DataError("its graph does not give boxes, labels and scores, as many of each")
  }
  return {
    boxes: boxes.values as Float32Array,
    scores: scores!.values as Float32Array,
    labels: Int32Array.from(labels.values as BigInt64Array, Number),
  }
}
