import { join, resolve } from "node:path"
import { DataError, UsageError, UserError } from "../core/errors.js"
import { isAddress } from "../core/fetch-bytes.js"
import { isOfOneFile, WriteError } from "../core/write-whole.js"
import { detectImages } from "../predict/detect-images.js"
import { DetectionLog, logName } from "../predict/detection-log.js"
import { categoryIdsOf } from "../predict/detector-handle.js"
import type { DetectorParts } from "../predict/detector-loader.js"
import { type ImageSource, openImageSource } from "../predict/image-source.js"
import { packSubmission, setName } from "../predict/pack-submission.js"
import { type DrawDetections, type EncodeImage, writeCrops, writePicture } from "../predict/pictures.js"
import { renderLog } from "../predict/render-log.js"
import { VideoWriter } from "../predict/video-writer.js"
import { detectionFormats } from "../predict/writer.js"
import { parseOptions } from "./config.js"
import {
  type DetectionRecord,
  outputsOf,
  refuseResults,
  reopenResults,
  videoName,
  weightsOf,
  writeRecord,
} from "./detection-record.js"
import { awaitFolder, holdFolder } from "./folder-lock.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { expectFiles, type LabelOutput, wantsLabels, writeLabels } from "./label-output.js"
import { type DetectFolderOptions, detectSchema } from "./options/detect.js"
import { outsideOutput } from "./outside-output.js"
import { readyDetector } from "./ready-detector.js"
import { countIn, remainingImages, shardOf, startsWithOne } from "./remaining-images.js"
import { standardOutput, streamDetections } from "./stream-detections.js"
import { type ImageReport, Tally, takeDetections } from "./take-detections.js"
import { makeRunFolder, runsOf } from "./training/run-folder.js"
import { expectOwnIds, idSourceOf, imageIdsLine, truthImageIds } from "./truth-image-ids.js"

/** What the task needs beside its options: passed in, so that tests run it with a dummy network. */
export interface DetectParts extends DetectorParts {
  readonly draw: DrawDetections
  readonly encode: EncodeImage
}

export interface DetectHooks extends TaskHooks {
  /** One image is done, or could not be read. */
  onImage?(image: ImageReport): void
  /** With `out` "-": takes the line of an image, as `detections.jsonl` would have it, without its end. */
  onLine?(line: string): void
}

export interface DetectFolderResult extends LabelOutput {
  /** Where the results are; `-` where lines were handed on. */
  readonly folder: string
  readonly images: number
  /** How many could not be read, or have a result or picture that could not be written. */
  readonly skipped: number
  /** How many objects of each class were found, the most frequent class first. */
  readonly objects: Readonly<Record<string, number>>
  /** False where the signal stopped it: `resume` goes on, where it can. */
  readonly finished: boolean
  /** Whether what was stopped can go on: a camera or a stream does not begin again, nor does a video that is being drawn. */
  readonly canResume: boolean
  /** The score threshold, and the best of the weights' validation, where there was one. */
  readonly score: number
  readonly bestScore: number | null
  /** With all that was written; `null` where no image was left to look at. */
  readonly imagesPerSecond: number | null
  /** The file for an evaluation server, where it was asked for. */
  readonly submission?: string
  /** The file that a video's frames were drawn into. */
  readonly video: string | null
}

/**
 * Detects over an image, a folder, a pattern, a list file or a stream and writes what was found: `detections.jsonl` line by line,
 * pictures and crops with it, other result files at the end. An unreadable image is told and passed over. When `signal` is aborted
 * the image at hand is finished. Nothing is overwritten; `resume` goes on where an earlier run was stopped or killed, to the same
 * bytes.
 * @throws UsageError for an unknown format or source, or a folder that has results; DataError when there are no images, or a
 * file is no detector
 */
export async function detectFolder(options: DetectFolderOptions, hooks: DetectHooks = {}): Promise<DetectFolderResult> {
  const [{ openNetwork }, { decodePixels, drawDetections }, { encodeImage }] = await Promise.all([
    import("../predict/open-network.js"),
    import("../predict/images.js"),
    import("../../datasets/image/encode.js"),
  ])
  return detectWith({ openNetwork, decode: decodePixels, draw: drawDetections, encode: encodeImage }, options, hooks)
}

const goOn = "Go on with --resume, or choose another --out"

/** `detectFolder` with other parts. */
export async function detectWith(
  parts: DetectParts,
  options: DetectFolderOptions,
  hooks: DetectHooks = {},
): Promise<DetectFolderResult> {
  const config = parseOptions("detectFolder", detectSchema, options)
  if (config.out === standardOutput) return streamDetections(parts, config, hooks)
  const listener = listenerOf(hooks)
  const { signal, log } = listener
  const { submission } = config
  const formats = detectionFormats([...config.format, ...(submission ? [submission] : [])])
  const shard = shardOf(config.shard)
  if (submission !== undefined && shard) {
    throw new UsageError("--submission packs a whole run: merge the shards with --submission instead")
  }
  if (config.resume && config.out === undefined)
    throw new UsageError("--resume: expected --out with it, the folder of the run")
  const output = config.out ?? runsOf("detect")
  if (config.offline && isAddress(config.source)) throw new UsageError(`--offline: ${config.source} would be fetched`)
  const opened = await openImageSource(config.source, { standardInput: process.stdin, fps: config.fps })
  if (opened.rate !== undefined && config.draw && (config.resume || shard)) {
    throw new UsageError("--resume and --shard of a video need --no-draw: the frames are drawn into one file")
  }
  if (wantsLabels(config)) expectFiles(config.source, opened.rate !== undefined)
  const source = outsideOutput(opened, output)
  if (!config.resume && config.out !== undefined) refuseResults(config.out, goOn)
  const ids = idSourceOf(config)
  const imageIds = await truthImageIds(ids, listener)
  const isListed = source.count !== undefined && opened.rate === undefined && !isAddress(config.source)
  if (imageIds !== undefined && isListed) await expectOwnIds(source.images, imageIds)
  const total = shard && source.count !== undefined ? countIn(shard, source.count) : source.count
  using images = await startsWithOne(source.images)
  if (images === undefined) throw new DataError(`${config.source}: expected images, found none`)

  using ready = await readyDetector(parts, config, listener)
  const { network, weights, look, only } = ready
  const { classes, bestScore } = network
  const { precision } = config
  const own = makeRunFolder("detect", config.out)
  using held = config.resume ? await awaitFolder(own, "written", log, signal) : holdFolder(own, "written")
  const { folder } = held
  const record: DetectionRecord = {
    ...(config.fps !== undefined && { fps: config.fps }),
    source: config.source === "-" || isAddress(config.source) ? config.source : resolve(config.source),
    weights: await weightsOf(weights),
    engine: network.engine,
    ...(precision !== "float32" && { precision }),
    options: look,
    ...(only && { only }),
    classes,
    categoryIds: categoryIdsOf(network),
    formats,
    ...ids,
    ...outputsOf(config),
    shard: shard ?? null,
    finished: false,
  }
  if (!config.resume) refuseResults(folder, goOn)
  const earlier = config.resume ? reopenResults(folder, record) : undefined
  writeRecord(folder, record)

  const tally = new Tally()
  const left = remainingImages(
    images,
    shard,
    earlier === undefined ? undefined : { path: earlier, classes },
    (logged) => tally.add(logged.error === undefined ? logged : undefined),
  )
  const path = join(folder, logName)
  using video = opened.rate !== undefined && config.draw ? new VideoWriter(join(folder, videoName), opened.rate) : null
  try {
    using lines = new DetectionLog(path)
    const imagesPerSecond = await takeDetections(
      detectImages(network, parts.decode, left, ready.detect, signal),
      tally,
      {
        total,
        keep: ({ image, pixels, detections }) =>
          ownFault(async () => {
            if (video) await video.write(await parts.draw(pixels, detections, config))
            else if (config.draw) await writePicture(folder, image, pixels, detections, parts.draw, config)
            if (config.crops) await writeCrops(folder, classes, image, pixels, detections, parts.encode)
          }),
        write: (image) => lines.write(image),
        onImage: (report) => hooks.onImage?.(report),
        progress: (done) => listener.progress({ job: "detect", done, total }),
      },
    )
    await video?.finish()
    const used = await renderLog(path, formats, { folder, classes, categoryIds: record.categoryIds, imageIds })
    if (used !== undefined) log(imageIdsLine(used))
    const finished = !signal.aborted
    const labelled =
      finished && wantsLabels(config)
        ? await writeLabels(path, config, {
            ...{ folder, classes, listener },
            images: outsideOutput(await openImageSource(config.source), output).images,
          })
        : {}
    const packed =
      finished && submission !== undefined
        ? { submission: await packSubmission(submission, folder, setName(ids.gt ?? record.source)) }
        : {}
    if (finished) writeRecord(folder, { ...record, finished })
    return {
      ...labelled,
      ...packed,
      ...{ folder, ...tally.result(), finished, canResume: canResume(opened, video !== null) },
      ...{ score: look.score, bestScore: bestScore ?? null, imagesPerSecond },
      video: video && join(folder, videoName),
    }
  } catch (error) {
    if (!(error instanceof WriteError)) throw error
    const onward = canResume(opened, video !== null) ? `; go on with --out ${folder} --resume` : ""
    throw new UserError(`${error.message}. ${tally.images} images are done${onward}`)
  }
}

/** Of a stream nobody knows the length, and what was drawn of a video is in one file. */
export const canResume = ({ rate, count }: ImageSource, isDrawnInto: boolean): boolean =>
  !isDrawnInto && (rate === undefined || count(() => true) !== undefined)

/** What goes wrong with one image's own files is its fault. @throws what would go wrong with any other as well */
async function ownFault(write: () => Promise<void>): Promise<UserError | undefined> {
  try {
    await write()
    return undefined
  } catch (error) {
    if (isOfOneFile(error)) return error
    throw error
  }
}
