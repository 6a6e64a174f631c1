import { constants, copyFileSync, existsSync } from "node:fs"
import { dirname, extname, join } from "node:path"
import type { Dataset, ImageRecord } from "../../datasets/dataset.js"
import { type WriteFormat, writeDataset } from "../../datasets/write.js"
import { UsageError } from "../core/errors.js"
import { isUrl } from "../core/fetch-bytes.js"
import { makeFolder } from "../core/write-whole.js"
import type { ImageDetections } from "../predict/detection.js"
import { type LoggedImage, readDetectionLog } from "../predict/detection-log.js"
import type { SourceImage } from "../predict/source-image.js"
import type { Listener } from "./hooks.js"

/** A format of a data set of images with what was found as their labels. */
export type LabelFormat = Extract<WriteFormat, "voc" | "yolo" | "coco">

/** What is made of detections for somebody who goes on labelling. */
export interface LabelOptions {
  readonly labels?: LabelFormat | undefined
  /** Images with a detection scored below this, or without any, are copied. */
  readonly below?: number | undefined
}

export interface LabelOutput {
  /** The data set's folder. */
  readonly labels?: string
  /** The folder of the images that the model is unsure of, and how many there are. */
  readonly unsure?: { readonly folder: string; readonly images: number }
}

/** @throws UsageError for a source whose images are no files, which cannot be copied */
export function expectFiles(source: string, isVideo: boolean): void {
  if (!isVideo && source !== "-" && !isUrl(source) && !/\.(tar|tar\.gz|tgz)$/i.test(source)) return
  throw new UsageError(
    `--labels and --below copy images: expected --source to be a folder, a pattern or a list file, got ${source}`,
  )
}

export const wantsLabels = ({ labels, below }: LabelOptions): boolean => labels !== undefined || below !== undefined

/**
 * Makes of a log of detections what a labeller goes on with: in `dataset/` a data set that can be checked, corrected and
 * trained on, in `unsure/` the images to look at first. A data set that is there already stays.
 * @param images of the source, with their files
 */
export async function writeLabels(
  log: string,
  { labels, below }: LabelOptions,
  {
    folder,
    classes,
    images,
    listener,
  }: {
    readonly folder: string
    readonly classes: readonly string[]
    readonly images: AsyncIterable<SourceImage>
    readonly listener: Listener
  },
): Promise<LabelOutput> {
  const files = new Map<string, string>()
  for await (const { path, file } of images) files.set(path, file)
  const records: ImageRecord[] = []
  let unsure = 0
  for await (const logged of readDetectionLog(log, classes)) {
    const file = files.get(logged.path)
    if (logged.error !== undefined || file === undefined) continue
    // Who is listed twice is labelled once.
    files.delete(logged.path)
    records.push(recordOf(logged, file, classes, records.length + 1))
    if (below !== undefined && isUnsure(logged, below)) {
      unsure++
      copyTo(join(folder, "unsure", logged.stem + extname(file)), file)
    }
  }
  const set: Dataset = {
    ...{ format: "samples", source: folder, split: "train", classes },
    ...{ categoryIds: classes.map((_, i) => i + 1), images: records, faults: [] },
  }
  const out = join(folder, "dataset")
  if (labels !== undefined && !existsSync(out)) {
    const { faults, notices } = await writeDataset([set], labels, out, { signal: listener.signal })
    for (const fault of faults) listener.fault(fault)
    for (const notice of notices) listener.log(notice)
  }
  return {
    ...(labels !== undefined && { labels: out }),
    ...(below !== undefined && { unsure: { folder: join(folder, "unsure"), images: unsure } }),
  }
}

/** The least sure detection counts, and an image without any may have lost some. */
const isUnsure = ({ detections }: ImageDetections, below: number): boolean =>
  detections.length === 0 || detections.some(({ score }) => score < below)

function recordOf(
  { stem, width, height, detections }: Extract<LoggedImage, ImageDetections>,
  file: string,
  classes: readonly string[],
  imageId: number,
): ImageRecord {
  const count = detections.length
  return {
    // Names that are alike without their endings stay apart.
    ...{ id: stem, imageId, file, width, height },
    boxes: Float64Array.from(detections.flatMap(({ box }) => [...box])),
    labels: Int32Array.from(detections, ({ label }) => classes.indexOf(label) + 1),
    crowd: new Uint8Array(count),
    difficult: new Uint8Array(count),
    areas: Float64Array.from(detections, ({ box: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1)),
  }
}

function copyTo(path: string, file: string): void {
  makeFolder(dirname(path))
  copyFileSync(file, path, constants.COPYFILE_FICLONE)
}
