import type { ImageRecord } from "../../datasets/dataset.js"
import { wholePixelBox } from "../../datasets/image/region.js"
import type { RgbImage } from "../../datasets/image/rgb.js"
import { openSamples } from "../../datasets/open-samples.js"
import { ignoreCrowds, type Matches, matchBoxes } from "../boxes/matcher.js"
import { candidatesOf, type LocalizeOptions, type Localizer, proposalsOf } from "./localizer.js"
import { classTruths } from "./truths.js"

/** The regions proposed for one class of one image, and what they hold. */
export interface RegionEntry {
  readonly record: ImageRecord
  readonly label: number
  /** `[R * 4]` whole image pixels: the proposals, then the truths themselves. */
  readonly boxes: Float32Array
  /** `[G * 4]` image pixels. */
  readonly truths: Float32Array
  readonly matches: Matches
}

/** @source Girshick et al. 2014 (R-CNN), section 2.3: an IoU of 0.5 makes a region an object's, all others are not */
const regionMatch = { positive: 0.5, negative: 0.5, allowLowQualityMatches: false } as const

/**
 * Runs a trained per-class RPN over training images, for the classes that are there: its best proposals are what the
 * second stage learns from. The truths join them, as the regions of Fast R-CNN's successors do; images that cannot be
 * read are told and left out. 200 proposals take 3 KB a class and image, held in memory.
 * @source He et al. 2015, appendix C: the 200 best of the ground-truth class
 */
export async function proposeRegions(
  localizer: Omit<Localizer, "refiner">,
  images: readonly ImageRecord[],
  options: LocalizeOptions,
  { signal, onImage }: { signal?: AbortSignal; onImage?: (done: number) => void } = {},
): Promise<{ entries: RegionEntry[]; failed: { file: string; message: string }[] }> {
  const entries: RegionEntry[] = []
  const failed: { file: string; message: string }[] = []
  for await (const { record, index, image, problems } of openSamples(images)) {
    if (signal?.aborted) break
    if (image === undefined) failed.push({ file: record.file, message: problems[0]!.message })
    else entries.push(...(await entriesOf(localizer, record, image, options)))
    onImage?.(index + 1)
  }
  return { entries, failed }
}

/** One entry for each class that is in the image. */
async function entriesOf(
  localizer: Omit<Localizer, "refiner">,
  record: ImageRecord,
  image: RgbImage,
  options: LocalizeOptions,
): Promise<RegionEntry[]> {
  const truths = classTruths(record)
  const labels = truths.map(({ label }) => label)
  const found = await candidatesOf(localizer, image, labels, options)
  return truths.map(({ label, boxes: own, ignored }, m) => {
    const proposed = [...proposalsOf(found[m]!, options).boxes, ...own]
    const boxes = new Float32Array(proposed.length)
    for (let at = 0; at < boxes.length; at += 4) boxes.set(wholePixelBox(proposed.slice(at, at + 4), image), at)
    const matches = matchBoxes(boxes, own, regionMatch)
    ignoreCrowds(matches, boxes, ignored)
    return { record, label, boxes, truths: own, matches }
  })
}
