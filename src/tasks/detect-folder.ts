import { resolve, sep } from "node:path"
import { DataError, type UserError } from "../core/errors.js"
import { type Detection, detectImages } from "../predict/detect-images.js"
import { categoryIdsOf } from "../predict/detector-handle.js"
import type { DetectorParts } from "../predict/detector-loader.js"
import { type ImageSource, openImageSource } from "../predict/image-source.js"
import { type DrawDetections, type EncodeImage, writeCrops, writePicture } from "../predict/pictures.js"
import { surveyImages } from "../predict/survey.js"
import { detectionFormat, openWriters } from "../predict/writer.js"
import { parseOptions } from "./config.js"
import { holdFolder } from "./folder-lock.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { type DetectFolderOptions, detectSchema, lookOf } from "./options/detect.js"
import { makeRunFolder, runsOf } from "./training/run-folder.js"

/** What the task needs beside its options: passed in, so that tests run it with a dummy network. */
export interface DetectParts extends DetectorParts {
  readonly draw: DrawDetections
  readonly encode: EncodeImage
}

export interface DetectHooks extends TaskHooks {
  /** One image is done, or could not be read. */
  onImage?(image: ImageReport): void
}

/** One image of a source, and what was found in it or why it could not be read. */
export interface ImageReport {
  /** Relative to the source. */
  readonly path: string
  /** Which one it is, from 1, and of how many. */
  readonly place: number
  readonly total: number
  readonly found?: { readonly width: number; readonly height: number; readonly detections: readonly Detection[] }
  readonly error?: UserError
  readonly milliseconds: number
}

export interface DetectFolderResult {
  /** Where the results are. */
  readonly folder: string
  readonly images: number
  /** How many could not be read. */
  readonly skipped: number
  /** How many objects of each class were found, the most frequent class first. */
  readonly objects: Readonly<Record<string, number>>
}

/**
 * Detects over an image, a folder, a pattern or a list file and writes what was found: result files, pictures, crops. An
 * unreadable image is told and passed over. When `signal` is aborted the image at hand is finished, and what was written
 * so far is put in its place.
 * @throws UsageError for an unknown format or source; DataError when there are no images, or a file is no detector
 */
export async function detectFolder(options: DetectFolderOptions, hooks: DetectHooks = {}): Promise<DetectFolderResult> {
  const [{ openNetwork }, { decodePixels, drawDetections }, { encodeImage }] = await Promise.all([
    import("../predict/open-network.js"),
    import("../predict/images.js"),
    import("../../datasets/image/encode.js"),
  ])
  return detectWith({ openNetwork, decode: decodePixels, draw: drawDetections, encode: encodeImage }, options, hooks)
}

/** `detectFolder` with other parts. */
export async function detectWith(
  parts: DetectParts,
  options: DetectFolderOptions,
  hooks: DetectHooks = {},
): Promise<DetectFolderResult> {
  const config = parseOptions("detectFolder", detectSchema, options)
  const { signal } = listenerOf(hooks)
  const formats = config.format.map(detectionFormat)
  const source = withoutOutput(await openImageSource(config.source), config)
  const { count: total, numericNames } = await surveyImages(source)
  if (total === 0) throw new DataError(`${config.source}: expected images, found none`)
  const look = lookOf(config)
  const network = await parts.openNetwork([config.weights].flat(), { engine: config.engine, detect: look })
  const { classes } = network
  using held = holdFolder(makeRunFolder("detect", config.out), "written")
  const { folder } = held
  const writers = openWriters(formats, { folder, classes, categoryIds: categoryIdsOf(network), numericNames })
  const counts = new Map<string, number>()
  let [images, skipped] = [0, 0]
  try {
    let started = performance.now()
    for await (const detected of detectImages(network, parts.decode, source, look, signal)) {
      const { image } = detected
      const report = { path: image.path, place: ++images, total }
      if (detected.error !== undefined) {
        skipped++
        hooks.onImage?.({ ...report, error: detected.error, milliseconds: performance.now() - started })
      } else {
        const { pixels, width, height, detections } = detected
        const milliseconds = performance.now() - started
        for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1)
        writers.write(image, { width, height, detections })
        if (config.draw) await writePicture(folder, image, pixels, detections, parts.draw)
        if (config.crops) await writeCrops(folder, classes, image, pixels, detections, parts.encode)
        hooks.onImage?.({ ...report, found: { width, height, detections }, milliseconds })
      }
      started = performance.now()
    }
    writers.finish()
  } catch (error) {
    writers.discard()
    throw error
  } finally {
    network.dispose()
  }
  const objects = Object.fromEntries([...counts].sort(([, a], [, b]) => b - a))
  return { folder, images, skipped, objects }
}

/** The images of a source without those that runs like this one have written: else a run would feed on its pictures. */
function withoutOutput(
  images: ImageSource,
  { source, out = runsOf("detect") }: { readonly source: string; readonly out?: string | undefined },
): ImageSource {
  const output = resolve(out) + sep
  // Who points at pictures of an earlier run wants them.
  if ((resolve(source) + sep).startsWith(output)) return images
  return {
    source,
    async *[Symbol.asyncIterator]() {
      for await (const image of images) if (!image.file.startsWith(output)) yield image
    },
  }
}
