import { cpSync, existsSync } from "node:fs"
import { join } from "node:path"
import { DataError, UsageError } from "../core/errors.js"
import { makeFolder } from "../core/write-whole.js"
import { DetectionLog, logName, readDetectionLog } from "../predict/detection-log.js"
import { openImageSource } from "../predict/image-source.js"
import { packSubmission, setName } from "../predict/pack-submission.js"
import { renderLog } from "../predict/render-log.js"
import { detectionFormats } from "../predict/writer.js"
import { parseOptions } from "./config.js"
import { type DetectionRecord, differenceOf, readRecord, refuseResults, writeRecord } from "./detection-record.js"
import { holdFolder } from "./folder-lock.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { type LabelOutput, wantsLabels, writeLabels } from "./label-output.js"
import { type MergeDetectionsOptions, mergeDetectionsSchema } from "./options/merge-detections.js"
import { outsideOutput } from "./outside-output.js"
import { makeRunFolder } from "./training/run-folder.js"
import { imageIdsLine, truthImageIds } from "./truth-image-ids.js"

export interface MergedDetections extends LabelOutput {
  readonly folder: string
  readonly images: number
  /** How many could not be read. */
  readonly skipped: number
  /** The file for an evaluation server, where it was asked for. */
  readonly submission?: string
}

/**
 * Puts the shards of a detection together: the bytes of a run that was not shared, pictures, crops and labels included.
 * @throws UsageError where a shard is missing or another's, or the output has results; DataError where one is not finished
 */
export async function mergeDetections(
  options: MergeDetectionsOptions,
  hooks: TaskHooks = {},
): Promise<MergedDetections> {
  const listener = listenerOf(hooks)
  const { log, fault } = listener
  const config = parseOptions("mergeDetections", mergeDetectionsSchema, options)
  const shards = inOrder(config.shards.map((folder) => ({ folder, record: readRecord(folder) })))
  refuseResults(config.out)
  const { record } = shards[0]!
  const wished = { labels: record.labels ?? undefined, below: record.below ?? undefined }
  // Asked for before anything is written: it may not be there.
  const images = wantsLabels(wished)
    ? outsideOutput(await openImageSource(record.source), config.out).images
    : undefined
  using held = holdFolder(makeRunFolder("detect", config.out), "written")
  const { folder } = held
  const { submission } = config
  const asked = config.format === undefined ? record.formats : detectionFormats(config.format)
  const formats = submission === undefined ? asked : detectionFormats([...asked, submission])
  writeRecord(folder, { ...record, formats, shard: null, finished: false })
  for (const shard of shards) copyPictures(shard.folder, folder)
  const counts = await interleave(
    shards.map((shard) => join(shard.folder, logName)),
    record.classes,
    join(folder, logName),
  )
  const imageIds = await truthImageIds({ gt: record.gt ?? null, split: record.split ?? null }, { log, fault })
  const used = await renderLog(join(folder, logName), formats, {
    ...{ folder, classes: record.classes, categoryIds: record.categoryIds, imageIds },
  })
  if (used !== undefined) log(imageIdsLine(used))
  const { classes } = record
  const labelled = images && (await writeLabels(join(folder, logName), wished, { folder, classes, images, listener }))
  const set = setName(record.gt ?? record.source)
  const packed = submission === undefined ? {} : { submission: await packSubmission(submission, folder, set) }
  writeRecord(folder, { ...record, formats, shard: null, finished: true })
  return { folder, ...counts, ...packed, ...labelled }
}

interface ShardFolder {
  readonly folder: string
  readonly record: DetectionRecord
}

/** The shards by their numbers, once they are all there and belong together. */
function inOrder(given: readonly ShardFolder[]): ShardFolder[] {
  const [first] = given as readonly [ShardFolder, ...ShardFolder[]]
  const count = first.record.shard?.count
  if (count === undefined) throw new UsageError(`${first.folder}: expected a shard, got a run that was not shared`)
  const found: ShardFolder[] = []
  for (const one of given) {
    const { folder, record } = one
    const different = differenceOf(first.record, record, ["formats"])
    if (different !== undefined) {
      throw new UsageError(`${folder} is no shard of the run of ${first.folder}: ${different.name} ${different.text}`)
    }
    if (record.shard?.count !== count) {
      throw new UsageError(`${folder}: expected a shard of ${count}, got ${record.shard?.count ?? "a whole run"}`)
    }
    const { index } = record.shard
    if (found[index] !== undefined) {
      throw new UsageError(`${folder} and ${found[index].folder} are both shard ${index}/${count}`)
    }
    if (!record.finished) {
      throw new DataError(`${folder}: shard ${index}/${count} is not finished. Go on with it: detect ... --resume`)
    }
    found[index] = one
  }
  const missing = Array.from({ length: count }, (_, index) => index).filter((index) => found[index] === undefined)
  if (missing.length > 0) {
    throw new UsageError(`shards are missing: ${missing.map((index) => `${index}/${count}`).join(", ")}`)
  }
  return found
}

/** Writes the images of several logs in turn. */
async function interleave(
  from: readonly string[],
  classes: readonly string[],
  to: string,
): Promise<{ images: number; skipped: number }> {
  const logs = from.map((path) => readDetectionLog(path, classes))
  using merged = new DetectionLog(to)
  let [images, skipped] = [0, 0]
  for (let at = 0, ended = 0; ended < logs.length; at = (at + 1) % logs.length) {
    const { value, done } = await logs[at]!.next()
    if (done) ended++
    else if (ended > 0) throw new DataError(`${from[at]}: expected no more images. The shards saw different sources`)
    else {
      ended = 0
      merged.write(value)
      images++
      if (value.error !== undefined) skipped++
    }
  }
  return { images, skipped }
}

/** What is written image by image; no two shards have the same. */
function copyPictures(from: string, to: string): void {
  for (const name of ["images", "crops"]) {
    if (!existsSync(join(from, name))) continue
    makeFolder(join(to, name))
    cpSync(join(from, name), join(to, name), { recursive: true })
  }
}
