import { UserError } from "../core/errors.js"
import { checkDetectOptions, type DetectOptions } from "../detector/detect-options.js"
import type { EngineName } from "../engine/names.js"
import { detectPixels } from "./detect-images.js"
import type { ImageDetections } from "./detection.js"
import { type CallOptions, type FailedImage, ImageCalls } from "./image-calls.js"
import type { ImageInput } from "./image-input.js"
import type { ImageModel, ModelParts } from "./image-model.js"
import { openImageSource } from "./image-source.js"
import type { DecodeImage, PixelDetector } from "./pixel-detector.js"
import type { SourceImage } from "./source-image.js"

export interface DetectCallOptions extends DetectOptions, CallOptions {}

export interface DetectFolderOptions extends DetectOptions {
  /** Ends the iteration after the image at hand, without an error. */
  readonly signal?: AbortSignal
}

/** What was found in one image of a list, or why it cannot be read. */
export type DetectionResult = (ImageDetections & { readonly error?: never }) | FailedImage

/** One image of a folder with what was found in it, or why it could not be read. */
export type FolderDetections =
  | (ImageDetections & { readonly image: string; readonly file: string; readonly error?: never })
  | { readonly image: string; readonly file: string; readonly error: UserError }

/** What is known of a detector that has been loaded. */
export interface DetectorDescription {
  /** What runs it. */
  readonly engine: EngineName | "onnx"
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** The training set's own id of each class, such as COCO's 1..90 with gaps; else 1..K. */
  readonly categoryIds: readonly (number | string)[]
}

/** A detector that is ready to run. It holds the network's memory until `dispose`. */
export interface DetectorHandle extends DetectorDescription {
  /** How many calls of `detect` are not done. A server may refuse work by it before `maxQueue` does. */
  readonly pending: number
  /**
   * Finds objects in one image, or in each of a list. Calls may be made at once; they are answered in turn. Memory that is given must
   * stay as it is until the answer is there, or is handed over by `transfer`.
   * @returns of a list as many results in the same order; an image that cannot be read has an `error` and spoils no other
   * @throws DataError naming the image when it is the only one and cannot be read
   * @throws BusyError when `maxQueue` calls wait, DisposedError after and by `dispose`, the signal's reason when it is aborted
   */
  detect(image: ImageInput, options?: DetectCallOptions): Promise<ImageDetections>
  detect(images: readonly ImageInput[], options?: DetectCallOptions): Promise<DetectionResult[]>
  /**
   * Finds objects in every image of a folder, glob or list file, one after the other; `image` is the path relative to
   * the source, `file` the absolute one. The next image is decoded meanwhile, and memory does not grow with the folder.
   * @throws UsageError when the source does not exist
   */
  detectFolder(source: string, options?: DetectFolderOptions): AsyncGenerator<FolderDetections>
  /**
   * Frees the network's memory; the handle is of no use then. Calls that are not done end with a `DisposedError`. `using` calls it
   * at the end of its block.
   */
  dispose(): void
  [Symbol.dispose](): void
}

export interface HandleOptions {
  /** How many calls may wait beside those that are being worked on. */
  readonly maxQueue: number
}

/** A handle on a detector that is loaded. */
export function detectorHandle(
  description: DetectorDescription,
  model: ImageModel<DetectOptions, ImageDetections>,
  { maxQueue }: HandleOptions,
): DetectorHandle {
  const calls = new ImageCalls(model, { name: "detect", together: 1, maxQueue })
  function detect(image: ImageInput, options?: DetectCallOptions): Promise<ImageDetections>
  function detect(images: readonly ImageInput[], options?: DetectCallOptions): Promise<DetectionResult[]>
  async function detect(
    given: ImageInput | readonly ImageInput[],
    { signal, transfer, ...options }: DetectCallOptions = {},
  ): Promise<ImageDetections | DetectionResult[]> {
    checkDetectOptions("detect", options)
    const call = { signal, transfer }
    return Array.isArray(given) ? calls.many(given, options, call) : calls.one(given as ImageInput, options, call)
  }
  const dispose = () => calls.dispose()
  return {
    ...description,
    get pending() {
      return calls.pending
    },
    detect,
    async *detectFolder(source, { signal, ...options } = {}) {
      checkDetectOptions("detectFolder", options)
      if (signal?.aborted) return
      for await (const { item, result } of calls.each(await openImageSource(source), inputOf, options)) {
        const { path: image, file } = item
        if (result instanceof UserError) yield { image, file, error: result }
        else yield { image, file, ...result }
        if (signal?.aborted) return
      }
    },
    dispose,
    [Symbol.dispose]: dispose,
  }
}

const inputOf = ({ bytes, file, path }: SourceImage) => ({ input: bytes ?? file, name: file || path })

/** How a detector runs, and what it tells of itself. */
export function detectorParts(
  network: PixelDetector,
  decode: DecodeImage,
): { readonly info: DetectorDescription } & ModelParts<DetectOptions, ImageDetections> {
  const { engine, classes } = network
  return {
    info: { engine, classes, categoryIds: categoryIdsOf(network) },
    decode,
    async infer(images, options) {
      const found: ImageDetections[] = []
      for (const image of images) found.push(await detectPixels(network, image, options))
      return found
    },
    dispose: () => network.dispose(),
  }
}

/** The training set's own class ids, or 1..K where the network does not tell. */
export function categoryIdsOf(network: PixelDetector): readonly (number | string)[] {
  return network.categoryIds ?? network.classes.map((_, i) => i + 1)
}
