import { UsageError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import type { ImageDetections } from "./detect-images.js"
import type { SourceImage } from "./source-image.js"
import { cocoWriter } from "./write-coco.js"
import { csvWriter } from "./write-csv.js"
import { jsonlWriter } from "./write-jsonl.js"
import { vocWriter } from "./write-voc.js"
import { yoloWriter } from "./write-yolo.js"

/** Writes detections image by image; the files appear, whole, when it is finished. */
export interface DetectionWriter {
  write(image: SourceImage, found: ImageDetections): void
  /** Puts the files in their places. Called after the last image, also when the user has interrupted the run. */
  finish(): void
  /** Removes what was begun. */
  discard(): void
}

export interface WriterContext {
  /** The folder for all output. */
  readonly folder: string
  /** Names of the classes 1..K. */
  readonly classes: readonly string[]
  /** `[K]` the data set's own id of each class. */
  readonly categoryIds: readonly (number | string)[]
  /** Whether the name of every image is a number of its own, which then is its COCO image id. */
  readonly numericNames: boolean
}

const writers = {
  coco: cocoWriter,
  voc: vocWriter,
  yolo: yoloWriter,
  csv: csvWriter,
  jsonl: jsonlWriter,
} as const satisfies Record<string, (context: WriterContext) => DetectionWriter>

export type DetectionFormat = keyof typeof writers

/** The formats in which detections can be written. */
const detectionFormats = Object.keys(writers) as DetectionFormat[]

/** @throws UsageError for a name that is no format, with the nearest one */
export function detectionFormat(name: string): DetectionFormat {
  const format = detectionFormats.find((known) => known === name)
  if (format !== undefined) return format
  throw new UsageError(
    `unknown format "${name}".${didYouMean(name, detectionFormats)} Known: ${detectionFormats.join(", ")}`,
  )
}

/** One writer for several formats. */
export function openWriters(formats: readonly DetectionFormat[], context: WriterContext): DetectionWriter {
  const all = [...new Set(formats)].map((format) => writers[format](context))
  return {
    write: (image, found) => {
      for (const writer of all) writer.write(image, found)
    },
    finish: () => {
      for (const writer of all) writer.finish()
    },
    discard: () => {
      for (const writer of all) writer.discard()
    },
  }
}
