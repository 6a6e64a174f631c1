import { readDetectionLog } from "./detection-log.js"
import { type ImageIds, imageIdsByName, type UsedIds } from "./image-ids.js"
import { type DetectionFormat, openWriters, type WriterContext } from "./writer.js"

/**
 * Writes the result files of a log, all but itself: they are made of what it says, so that a run that was stopped, or shared among
 * machines, gives the bytes of one that was not.
 * @param context `imageIds` of a ground truth; when left out, names or places decide
 * @returns where the image ids of COCO's or ImageNet DET's results come from; undefined without such results
 */
export async function renderLog(
  path: string,
  formats: readonly DetectionFormat[],
  { imageIds: given, ...context }: Omit<WriterContext, "imageIds"> & { readonly imageIds: ImageIds | undefined },
): Promise<UsedIds | undefined> {
  if (formats.length === 0) return undefined
  const hasIds = formats.some((format) => format === "coco" || format === "imagenet-det")
  const imageIds = given ?? (await imageIdsByName(hasIds ? readDetectionLog(path, context.classes) : none()))
  let leftOut = 0
  const writers = openWriters(formats, { ...context, imageIds })
  try {
    for await (const logged of readDetectionLog(path, context.classes)) {
      if (logged.error !== undefined) continue
      writers.write(logged, logged)
      if (given !== undefined && given.idOf(logged, 0) === undefined) leftOut++
    }
    writers.finish()
  } catch (error) {
    writers.discard()
    throw error
  }
  return hasIds ? { from: imageIds.from, leftOut } : undefined
}

async function* none(): AsyncGenerator<never> {}
