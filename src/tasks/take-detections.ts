import type { UserError } from "../core/errors.js"
import type { DetectedImage } from "../predict/detect-images.js"
import type { Detection } from "../predict/detection.js"
import type { LoggedImage } from "../predict/detection-log.js"

/** One image of a source, and what was found in it or why it could not be read. */
export interface ImageReport {
  /** Relative to the source. */
  readonly path: string
  /** Which one it is, from 1, and of how many, where that is known: a large folder or a stream is not counted first. */
  readonly place: number
  readonly total: number | undefined
  readonly found?: { readonly width: number; readonly height: number; readonly detections: readonly Detection[] }
  readonly error?: UserError
  readonly milliseconds: number
}

/** Counts what was found, in this run and in the ones that it goes on with. */
export class Tally {
  images = 0
  #skipped = 0
  readonly #labels = new Map<string, number>()

  /** @param found undefined for an image that could not be read */
  add(found: { readonly detections: readonly Detection[] } | undefined): void {
    this.images++
    if (found === undefined) this.#skipped++
    for (const { label } of found?.detections ?? []) this.#labels.set(label, (this.#labels.get(label) ?? 0) + 1)
  }

  result() {
    const objects: Readonly<Record<string, number>> = Object.fromEntries(
      [...this.#labels].sort(([, a], [, b]) => b - a),
    )
    return { images: this.images, skipped: this.#skipped, objects }
  }
}

type Found = Extract<DetectedImage, { readonly error?: never }>

interface Takers {
  readonly total: number | undefined
  /** Takes what belongs to an image beside its line, before the line. @returns what went wrong with this image alone */
  keep?(found: Found): Promise<UserError | undefined>
  /** Takes the line of an image: one that has it has all that belongs to it. */
  write(image: LoggedImage): void
  onImage(image: ImageReport): void
  progress(done: number): void
}

/**
 * Hands on what was found, image by image, and counts it.
 * @returns how many images a second there were, `null` for none
 */
export async function takeDetections(
  detected: AsyncIterable<DetectedImage>,
  tally: Tally,
  { total, keep, write, onImage, progress }: Takers,
): Promise<number | null> {
  const began = performance.now()
  let started = began
  let looked = 0
  progress(tally.images)
  for await (const one of detected) {
    const { image } = one
    const report = { path: image.path, place: tally.images + 1, total }
    if (one.error !== undefined) {
      write({ ...image, error: withoutFile(one.error.message, image.file) })
      tally.add(undefined)
      onImage({ ...report, error: one.error, milliseconds: performance.now() - started })
    } else {
      const { width, height, detections } = one
      const found = { width, height, detections }
      const milliseconds = performance.now() - started
      const error = await keep?.(one)
      write({ ...image, ...(error === undefined ? found : { error: error.message }) })
      tally.add(error === undefined ? found : undefined)
      onImage({ ...report, ...(error === undefined ? { found } : { error }), milliseconds })
    }
    started = performance.now()
    looked++
    progress(tally.images)
  }
  return looked > 0 ? (looked / (performance.now() - began)) * 1000 : null
}

/** A message without the file it begins with, which the line names by its path in the source. */
function withoutFile(message: string, file: string): string {
  return file !== "" && message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message
}
