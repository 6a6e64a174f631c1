import { basename } from "node:path"
import type { SourceImage } from "./source-image.js"

/** What must be known of a source before the first image is looked at. */
export interface Survey {
  readonly count: number
  /** Whether the name of every image is a number of its own. */
  readonly numericNames: boolean
}

/** Goes once through the names of a source, keeping numbers only. */
export async function surveyImages(images: AsyncIterable<SourceImage>): Promise<Survey> {
  const ids = new Set<number>()
  let count = 0
  let numericNames = true
  for await (const { stem } of images) {
    count++
    const name = basename(stem)
    const id = Number(name)
    if (!/^\d+$/.test(name) || !Number.isSafeInteger(id) || ids.has(id)) {
      numericNames = false
      ids.clear()
    } else if (numericNames) ids.add(id)
  }
  return { count, numericNames }
}
