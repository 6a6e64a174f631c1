import type { RgbImage } from "../../datasets/image/rgb.js"
import { ahead } from "../../datasets/loader/ahead.js"
import type { Scorer } from "../classify/scorer.js"
import { DataError, UserError } from "../core/errors.js"
import { userError } from "../predict/detect-images.js"
import { openImageSource } from "../predict/image-source.js"
import { decodePixels } from "../predict/images.js"
import type { SourceImage } from "../predict/source-image.js"
import { StagedFile } from "../predict/staged-file.js"
import { classLines, guessClasses, headLine, type ImageClasses } from "./class-lines.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { openScorer } from "./open-scorer.js"
import { type ClassifyFolderOptions, classifyFolderSchema } from "./options/classify.js"

export interface ClassifyHooks extends TaskHooks {
  /** Told of each image in the order of the source. */
  onImage?(found: ImageClasses): void
}

export interface ClassifiedFolder {
  /** All images, also those that could not be read. */
  readonly images: number
  readonly skipped: readonly SkippedImage[]
  /** False where the signal ended it before all images had been looked at: then `out` is not written. */
  readonly finished: boolean
}

export interface SkippedImage {
  readonly image: string
  readonly message: string
}

/**
 * Names the best classes of every image of a source; memory does not grow with it.
 * @throws DataError when there are no images
 */
export async function classifyFolder(
  options: ClassifyFolderOptions,
  hooks: ClassifyHooks = {},
): Promise<ClassifiedFolder> {
  const config = parseOptions("classifyFolder", classifyFolderSchema, options)
  const { source, out, format, top, batch } = config
  const listener = listenerOf(hooks)
  const { signal } = listener
  const images = await openImageSource(source)
  const scorer = await openScorer(config, listener)
  const file = out === undefined ? undefined : new StagedFile(out)
  const skipped: SkippedImage[] = []
  let count = 0
  try {
    const head = headLine(format)
    if (head !== undefined) file?.write(`${head}\n`)
    for await (const found of classified(scorer, images, { top, batch, signal })) {
      count++
      if ("message" in found) {
        skipped.push(found)
        listener.log(`${found.image}: skipped: ${found.message}`)
        continue
      }
      hooks.onImage?.(found)
      if (file) for (const line of classLines(found, format)) file.write(`${line}\n`)
    }
    if (signal.aborted) file?.discard()
    else file?.finish()
  } catch (error) {
    file?.discard()
    throw error
  } finally {
    scorer.dispose()
  }
  if (count === 0 && !signal.aborted) throw new DataError(`${source}: expected images, found none`)
  return { images: count, skipped, finished: !signal.aborted }
}

interface Sweep {
  readonly top: number
  readonly batch: number
  readonly signal: AbortSignal
}

/** The images of a source in their order, `batch` at a time. */
async function* classified(
  scorer: Scorer,
  images: AsyncIterable<SourceImage>,
  { top, batch, signal }: Sweep,
): AsyncGenerator<ImageClasses | SkippedImage> {
  let waiting: Decoded[] = []
  const open = ({ file }: SourceImage) => decodePixels(file).catch(userError)
  for await (const { item, result } of ahead(images, open, batch)) {
    if (signal.aborted) return
    const image = item.path
    waiting.push(result instanceof UserError ? { image, message: result.message } : { image, pixels: result })
    if (waiting.length < batch) continue
    yield* await scored(scorer, waiting, top)
    waiting = []
  }
  yield* await scored(scorer, waiting, top)
}

type Decoded = { readonly image: string; readonly pixels: RgbImage } | SkippedImage

async function scored(scorer: Scorer, some: readonly Decoded[], top: number): Promise<(ImageClasses | SkippedImage)[]> {
  const whole = some.flatMap((one) => ("pixels" in one ? [one.pixels] : []))
  const guesses = await guessClasses(scorer, whole, top)
  let n = 0
  return some.map((one) => ("pixels" in one ? { image: one.image, classes: guesses[n++]! } : one))
}
