import type { ImageDetections } from "../predict/detection.js"
import type { PictureSource } from "./drawable.js"

/** What a detector runs on: the GPU, or the processor. */
export type Device = "webgpu" | "wasm"

/** How a detection is made; what is left out is the detector's own. */
export interface WebDetectOptions {
  /** Detections scored below this are left out, 0..1. */
  readonly score?: number
  /** Of two boxes of one class whose IoU is above this only the better scored stays, 0..1. */
  readonly nms?: number
  /** At most so many detections an image. */
  readonly maxDetections?: number
}

/** What was found in one image, best score first, boxes in its own pixels. */
export interface WebDetections extends ImageDetections {
  readonly device: Device
  /** How long it took. */
  readonly milliseconds: {
    /** To fetch and decode the picture, and to read its pixels. */
    readonly read: number
    /** To resize and normalise it. */
    readonly resize: number
    /** To find objects in it. */
    readonly detect: number
    /** From the call to its answer: with the way to a worker and back, and the wait for earlier calls. */
    readonly total: number
  }
}

/** A detector that is ready to run. It holds the network's memory until `dispose`. */
export interface WebDetector {
  /** Such as `fasterrcnn_resnet50_fpn`. */
  readonly model: string
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** The training set's own id of each class, such as COCO's 1..90 with gaps; else 1..K. */
  readonly categoryIds: readonly (number | string)[]
  /** The score threshold of the highest F1 in the validation of its weights; undefined where none was made. */
  readonly bestScore: number | undefined
  readonly device: Device
  /**
   * Finds objects in one picture. Calls wait for one another.
   * @throws DataError when it cannot be read, UsageError for what is no picture or a wrong option
   */
  detect(source: PictureSource, options?: WebDetectOptions): Promise<WebDetections>
  /** Frees the network's memory; the detector is of no use then. A worker that was given goes on, empty. */
  dispose(): void
}
