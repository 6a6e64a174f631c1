import type { ImageRecord } from "../../datasets/dataset.js"
import { decodeImage, ImageError } from "../../datasets/image/decode.js"
import { wholePixelBox } from "../../datasets/image/region.js"
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
  for (const [i, record] of images.entries()) {
    if (signal?.aborted) break
    const truths = classTruths(record)
    try {
      const image = await decodeImage(record.file)
      const labels = truths.map(({ label }) => label)
      const found = await candidatesOf(localizer, image, labels, options)
      for (const [m, { label, boxes: own, ignored }] of truths.entries()) {
        const proposed = [...proposalsOf(found[m]!, options).boxes, ...own]
        const boxes = new Float32Array(proposed.length)
        for (let at = 0; at < boxes.length; at += 4) {
          boxes.set(wholePixelBox(proposed.slice(at, at + 4), image), at)
        }
        const matches = matchBoxes(boxes, own, regionMatch)
        ignoreCrowds(matches, boxes, ignored)
        entries.push({ record, label, boxes, truths: own, matches })
      }
    } catch (error) {
      if (!(error instanceof ImageError)) throw error
      failed.push({ file: record.file, message: error.message })
    }
    onImage?.(i + 1)
  }
  return { entries, failed }
}
