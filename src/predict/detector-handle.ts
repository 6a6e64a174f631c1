import type { RgbImage } from "../../datasets/image/rgb.js"
import { expectRgb } from "../../datasets/open-sample.js"
import { UsageError, type UserError } from "../core/errors.js"
import { checkDetectOptions, type DetectOptions } from "../detector/detect-options.js"
import { detectImages, detectPixels, type ImageDetections } from "./detect-images.js"
import { openImageSource } from "./image-source.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"

export interface DetectFolderOptions extends DetectOptions {
  /** Ends the iteration after the image at hand, without an error. */
  readonly signal?: AbortSignal
}

/** One image of a folder with what was found in it, or why it could not be read. */
export type FolderDetections =
  | (ImageDetections & { readonly image: string; readonly file: string; readonly error?: never })
  | { readonly image: string; readonly file: string; readonly error: UserError }

/** A detector that is ready to run. It holds the network's memory until `dispose`. */
export interface DetectorHandle {
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** The training set's own id of each class, such as COCO's 1..90 with gaps; else 1..K. */
  readonly categoryIds: readonly (number | string)[]
  /**
   * Finds objects in one image: a path, the bytes of an image file, or decoded RGB pixels.
   * @throws DataError when the image cannot be read
   */
  detect(image: string | Uint8Array | RgbImage, options?: DetectOptions): Promise<ImageDetections>
  /**
   * Finds objects in every image of a folder, glob or list file, one after the other; `image` is the path relative to
   * the source, `file` the absolute one. The next image is decoded meanwhile, and memory does not grow with the folder.
   * @throws UsageError when the source does not exist
   */
  detectFolder(source: string, options?: DetectFolderOptions): AsyncGenerator<FolderDetections>
  /** Frees the network's memory; the handle is of no use then. `using` calls it at the end of its block. */
  dispose(): void
  [Symbol.dispose](): void
}

/** A handle on a network that is loaded, with the function that decodes images for it. */
export function detectorHandle(network: PixelDetector, decode: DecodeImage): DetectorHandle {
  let disposed = false
  const checkInUse = () => {
    if (disposed) throw new Error("detect: expected a detector in use, got one that was disposed of")
  }
  const dispose = () => {
    if (!disposed) network.dispose()
    disposed = true
  }
  return {
    classes: network.classes,
    categoryIds: categoryIdsOf(network),
    async detect(image, options = {}) {
      checkInUse()
      checkDetectOptions("detect", options)
      return detectPixels(network, isImage(image) ? checkedImage(image) : await decode(image), options)
    },
    async *detectFolder(source, { signal, ...options } = {}) {
      checkInUse()
      checkDetectOptions("detectFolder", options)
      for await (const detected of detectImages(network, decode, await openImageSource(source), options, signal)) {
        const { path: image, file } = detected.image
        if (detected.error !== undefined) yield { image, file, error: detected.error }
        else {
          // The pixels stay behind: a caller that collects results must not collect photos.
          const { width, height, detections } = detected
          yield { image, file, width, height, detections }
        }
      }
    },
    dispose,
    [Symbol.dispose]: dispose,
  }
}

/** The training set's own class ids, or 1..K where the network does not tell. */
export function categoryIdsOf(network: PixelDetector): readonly (number | string)[] {
  return network.categoryIds ?? network.classes.map((_, i) => i + 1)
}

function isImage(image: unknown): image is RgbImage {
  return typeof image === "object" && !(image instanceof Uint8Array)
}

function checkedImage(image: RgbImage | null): RgbImage {
  try {
    return expectRgb(image ?? ({} as RgbImage))
  } catch (error) {
    throw new UsageError(`detect: ${(error as Error).message}`)
  }
}
