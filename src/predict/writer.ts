import { UsageError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import type { ImageDetections } from "./detection.js"
import type { ImageIds } from "./image-ids.js"
import type { SourceImage } from "./source-image.js"
import { cocoWriter } from "./write-coco.js"
import { csvWriter } from "./write-csv.js"
import { imagenetDetWriter } from "./write-imagenet-det.js"
import { vocWriter } from "./write-voc.js"
import { yoloWriter } from "./write-yolo.js"

/** Writes detections image by image; the files appear, whole, when it is finished. */
export interface DetectionWriter {
  write(image: Pick<SourceImage, "path" | "stem">, found: ImageDetections): void
  /** Puts the files in their places. */
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
  /** Of COCO's and ImageNet DET's results. */
  readonly imageIds: ImageIds
}

const writers = {
  coco: cocoWriter,
  voc: vocWriter,
  yolo: yoloWriter,
  csv: csvWriter,
  "imagenet-det": imagenetDetWriter,
} as const satisfies Record<string, (context: WriterContext) => DetectionWriter>

export type DetectionFormat = keyof typeof writers

/** The formats that are made of the log. */
export const writtenFormats = Object.keys(writers) as [DetectionFormat, ...DetectionFormat[]]

/** And the log's own. */
const known = [...writtenFormats, "jsonl"] as const

/**
 * The formats that a user names, each once, without `jsonl`, which is the log that is written anyway.
 * @throws UsageError for a name that is no format, with the nearest one
 */
export function detectionFormats(names: readonly string[]): DetectionFormat[] {
  const formats = new Set<DetectionFormat>()
  for (const name of names) {
    const format = known.find((one) => one === name)
    if (format === undefined) {
      throw new UsageError(`unknown format "${name}".${didYouMean(name, known)} Known: ${known.join(", ")}`)
    }
    if (format !== "jsonl") formats.add(format)
  }
  return [...formats]
}

/** One writer for several formats. */
export function openWriters(formats: readonly DetectionFormat[], context: WriterContext): DetectionWriter {
  const all = formats.map((format) => writers[format](context))
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
