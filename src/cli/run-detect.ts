import { resolve, sep } from "node:path"
import { type Detection, detectImages } from "../predict/detect-images.js"
import { categoryIdsOf } from "../predict/detector-handle.js"
import type { DetectorParts } from "../predict/detector-loader.js"
import { type ImageSource, openImageSource } from "../predict/image-source.js"
import { type DrawDetections, type EncodeImage, writeCrops, writePicture } from "../predict/pictures.js"
import { surveyImages } from "../predict/survey.js"
import { detectionFormat, openWriters } from "../predict/writer.js"
import { DataError } from "../tensor/errors.js"
import type { DetectConfig } from "./detect-config.js"
import { detectOptionsOf } from "./detect-flags.js"
import { makeRunFolder, runsOf } from "./run-folder.js"

/** What `detect` needs beside the command line: passed in, so that tests run it with a dummy network. */
export interface DetectParts extends DetectorParts {
  readonly draw: DrawDetections
  readonly encode: EncodeImage
}

export interface DetectSummary {
  readonly folder: string
  readonly images: number
  readonly skipped: number
}

/**
 * Detects over a source and writes what was found. An unreadable image is told and passed over. When `signal` is
 * aborted the image at hand is finished, and what was written so far is put in its place.
 * @param log takes one line an image
 */
export async function runDetect(
  config: DetectConfig,
  parts: DetectParts,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<DetectSummary> {
  const { weights, engine } = config
  const formats = config.format.map(detectionFormat)
  const source = withoutOutput(await openImageSource(config.source), config)
  const { count, numericNames } = await surveyImages(source)
  if (count === 0) throw new DataError(`${config.source}: expected images, found none`)
  const detect = detectOptionsOf(config)
  const network = await parts.openNetwork(weights, { engine, detect })
  const { classes } = network
  const folder = makeRunFolder("detect", config.out)
  const writers = openWriters(formats, { folder, classes, categoryIds: categoryIdsOf(network), numericNames })
  let images = 0
  let skipped = 0
  try {
    let started = performance.now()
    for await (const detected of detectImages(network, parts.decode, source, detect, signal)) {
      const place = `${++images}/${count}`
      if (detected.error !== undefined) {
        skipped++
        log(`${place} ${detected.image.path}: skipped: ${detected.error.message}`)
      } else {
        const { image, pixels, width, height, detections } = detected
        const time = Math.round(performance.now() - started)
        writers.write(image, { width, height, detections })
        if (config.draw) await writePicture(folder, image, pixels, detections, parts.draw)
        if (config.crops) await writeCrops(folder, classes, image, pixels, detections, parts.encode)
        log(`${place} ${image.path}: ${width}x${height}, ${countLabels(detections)}, ${time} ms`)
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
  return { folder, images, skipped }
}

/** The images of a source without those that runs like this one have written: else a run would feed on its pictures. */
function withoutOutput(images: ImageSource, { source, out = runsOf("detect") }: DetectConfig): ImageSource {
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

/** `2 dog, 1 cat`, in the order of the best scores. */
function countLabels(detections: readonly Detection[]): string {
  const counts = new Map<string, number>()
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts].map(([label, count]) => `${count} ${label}`).join(", ") || "nothing found"
}
