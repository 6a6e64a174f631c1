import { basename } from "node:path"
import { type LoggedImage, readDetectionLog } from "./detection-log.js"
import { type DetectionFormat, openWriters, type WriterContext } from "./writer.js"

/**
 * Writes the result files of a log, all but itself: they are made of what it says, so that a run that was stopped, or shared among
 * machines, gives the bytes of one that was not.
 */
export async function renderLog(
  path: string,
  formats: readonly DetectionFormat[],
  context: Omit<WriterContext, "numericNames">,
): Promise<void> {
  if (formats.length === 0) return
  const numericNames = formats.includes("coco") && (await hasNumericNames(readDetectionLog(path)))
  const writers = openWriters(formats, { ...context, numericNames })
  try {
    for await (const logged of readDetectionLog(path)) {
      if (logged.error === undefined) writers.write(logged, logged)
    }
    writers.finish()
  } catch (error) {
    writers.discard()
    throw error
  }
}

/** Whether the name of every image is a number of its own. */
export async function hasNumericNames(images: AsyncIterable<Pick<LoggedImage, "stem">>): Promise<boolean> {
  const ids = new Set<number>()
  for await (const { stem } of images) {
    const name = basename(stem)
    const id = Number(name)
    if (!/^\d+$/.test(name) || !Number.isSafeInteger(id) || ids.has(id)) return false
    ids.add(id)
  }
  return true
}
