import { UsageError, UserError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import { expectPlace, writeWhole } from "../core/write-whole.js"
import { localize } from "../localize/localizer.js"
import { userError } from "../predict/detect-images.js"
import { openImageSource } from "../predict/image-source.js"
import { decodePixels } from "../predict/images.js"
import type { SkippedImage } from "./classify-folder.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { classNumbers, submissionLine } from "./localization-submission.js"
import { type LocalizeFolderOptions, localizeFolderSchema } from "./options/localize.js"
import { withFiles } from "./with-files.js"
import { withLocalizer } from "./with-localizer.js"

/** One image's boxes. */
export interface ImageObjects {
  /** Its path within the source. */
  readonly image: string
  readonly width: number
  readonly height: number
  /** In the order of the classes that were looked for; boxes x1, y1, x2, y2 in image pixels. */
  readonly objects: readonly { readonly label: string; readonly score: number; readonly box: readonly number[] }[]
}

export interface LocalizeHooks extends TaskHooks {
  /** Told of each image in the order of the source. */
  onImage?(found: ImageObjects): void
}

export interface LocalizedFolder {
  /** All images, also those that could not be read. */
  readonly images: number
  readonly skipped: readonly SkippedImage[]
  /** False where the signal ended it before all images had been looked at: then `submission` is not written. */
  readonly finished: boolean
}

/**
 * Finds a box for each class a classifier guesses, or for classes that are named, in every image of a source.
 * @throws UsageError for a class that the localizer does not know
 */
export async function localizeFolder(
  options: LocalizeFolderOptions,
  hooks: LocalizeHooks = {},
): Promise<LocalizedFolder> {
  const config = parseOptions("localizeFolder", localizeFolderSchema, options)
  if ((config.classifier === undefined) === (config.class === undefined)) {
    throw new UsageError("localize predict: expected either --classifier or --class")
  }
  if (config.submission !== undefined) expectPlace(config.submission)
  const listener = listenerOf(hooks)
  const source = await openImageSource(config.source)
  return withLocalizer(config, listener, async (localizer, look, guess) => {
    const { classes } = localizer
    const named = (config.class ?? []).map((name) => labelOf(name, classes))
    const skipped: SkippedImage[] = []
    const lines: string[] = []
    const numbers = config.submission === undefined ? [] : classNumbers(classes, config.classIds)
    let images = 0
    for await (const { file, path } of source) {
      if (listener.signal.aborted) break
      images++
      const photo = await decodePixels(file).catch(userError)
      if (photo instanceof UserError) {
        skipped.push({ image: path, message: photo.message })
        lines.push("")
        listener.log(`${path}: skipped: ${photo.message}`)
        continue
      }
      const found = await localize(localizer.members, photo, (await guess?.(photo)) ?? named, look)
      if (config.submission !== undefined) lines.push(submissionLine(found, numbers))
      const objects = found.map(({ label, score, box }) => ({ label: classes[label - 1]!, score, box: [...box] }))
      hooks.onImage?.({ image: path, width: photo.width, height: photo.height, objects })
    }
    const finished = !listener.signal.aborted
    return withFiles({ images, skipped, finished }, () => {
      if (config.submission === undefined || !finished) return
      writeWhole(config.submission, lines.map((line) => `${line}\n`).join(""))
    })
  })
}

function labelOf(name: string, classes: readonly string[]): number {
  const at = classes.indexOf(name)
  if (at < 0) throw new UsageError(`no class "${name}".${didYouMean(name, classes)} Known: ${classes.join(", ")}`)
  return at + 1
}
