import type { Detections } from "../boxes/boxes.js"
import { DataError } from "../core/errors.js"
import { boundSpecs } from "./detections.js"
import type { OnnxModel } from "./model.js"
import { openSession, type SessionOptions } from "./session.js"

/** Bounds of the last suppression, see `SelectOptions`. */
interface DetectorBounds {
  readonly score: number
  readonly nmsThreshold: number
  readonly maxDetections: number
}

/** A detector's graph that ONNX Runtime has loaded. */
export interface DetectorSession {
  /**
   * @throws DataError for a graph of a file that gives something else
   * @param image `[3 * height * width]` RGB in 0..1, channel by channel
   * @returns boxes in image pixels, best score first
   */
  detect(
    image: Float32Array,
    size: readonly [height: number, width: number],
    bounds: DetectorBounds,
  ): Promise<Detections>
  dispose(): void
}

/** A detector's graph with its bounds as inputs. */
export function withBoundInputs(model: OnnxModel): OnnxModel {
  const specs = Object.values(boundSpecs)
  const names: string[] = specs.map(({ name }) => name)
  const constants = new Map([...model.constants].filter(([name]) => !names.includes(name)))
  return { ...model, constants, inputs: [...model.inputs, ...specs] }
}

/** @param bytes a detector's graph with its bounds as inputs */
export async function openDetectorSession(bytes: Uint8Array, options: SessionOptions = {}): Promise<DetectorSession> {
  const session = await openSession(bytes, options)
  return {
    async detect(image, [height, width], { score, nmsThreshold, maxDetections }) {
      const { boxes, labels, scores } = await session.run({
        image: { shape: [3, height, width], values: image },
        [boundSpecs.above.name]: { shape: [1], values: Float32Array.of(score) },
        [boundSpecs.overlap.name]: { shape: [1], values: Float32Array.of(nmsThreshold) },
        [boundSpecs.limit.name]: { shape: [1], values: BigInt64Array.of(BigInt(maxDetections)) },
      })
      const count = scores?.values.length
      if (count === undefined || labels?.values.length !== count || boxes?.values.length !== 4 * count) {
        throw new DataError("its graph does not give boxes, labels and scores, as many of each")
      }
      return {
        boxes: boxes.values as Float32Array,
        scores: scores!.values as Float32Array,
        labels: Int32Array.from(labels.values as BigInt64Array, Number),
      }
    },
    dispose: () => session.dispose(),
  }
}
