import { join, resolve } from "node:path"
import { DataError, UsageError, UserError } from "../core/errors.js"
import { isAddress } from "../core/fetch-bytes.js"
import { shown } from "../core/shown.js"
import { didYouMean } from "../core/suggest.js"
import { isOfOneFile, WriteError } from "../core/write-whole.js"
import { detectImages } from "../predict/detect-images.js"
import type { Detection } from "../predict/detection.js"
import { DetectionLog, logName } from "../predict/detection-log.js"
import { categoryIdsOf } from "../predict/detector-handle.js"
import type { DetectorParts } from "../predict/detector-loader.js"
import { openImageSource } from "../predict/image-source.js"
import { type DrawDetections, type EncodeImage, writeCrops, writePicture } from "../predict/pictures.js"
import { engineLine } from "../predict/pixel-detector.js"
import { renderLog } from "../predict/render-log.js"
import { VideoWriter } from "../predict/video-writer.js"
import { detectionFormats } from "../predict/writer.js"
import { parseOptions } from "./config.js"
import {
  type DetectionRecord,
  refuseResults,
  reopenResults,
  videoName,
  weightsOf,
  writeRecord,
} from "./detection-record.js"
import { awaitFolder, holdFolder } from "./folder-lock.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { expectFiles, type LabelOutput, wantsLabels, writeLabels } from "./label-output.js"
import { weightsFiles } from "./named-weights.js"
import { type DetectFolderOptions, detectSchema, lookOf } from "./options/detect.js"
import { outsideOutput } from "./outside-output.js"
import { countIn, remainingImages, shardOf, startsWithOne } from "./remaining-images.js"
import { makeRunFolder, runsOf } from "./training/run-folder.js"
import { idSourceOf, imageIdsLine, truthImageIds } from "./truth-image-ids.js"

/** What the task needs beside its options: passed in, so that tests run it with a dummy network. */
export interface DetectParts extends DetectorParts {
  readonly draw: DrawDetections
  readonly encode: EncodeImage
}

export interface DetectHooks extends TaskHooks {
  /** One image is done, or could not be read. */
  onImage?(image: ImageReport): void
}

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

export interface DetectFolderResult extends LabelOutput {
  /** Where the results are. */
  readonly folder: string
  readonly images: number
  /** How many could not be read, or have a result or picture that could not be written. */
  readonly skipped: number
  /** How many objects of each class were found, the most frequent class first. */
  readonly objects: Readonly<Record<string, number>>
  /** False where the signal stopped it: `resume` goes on. */
  readonly finished: boolean
  /** The score threshold, and the best of the weights' validation, where there was one. */
  readonly score: number
  readonly bestScore: number | null
  /** With all that was written; `null` where no image was left to look at. */
  readonly imagesPerSecond: number | null
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

/** `detectFolder` with other parts. */
export async function detectWith(
  parts: DetectParts,
  options: DetectFolderOptions,
  hooks: DetectHooks = {},
): Promise<DetectFolderResult> {
  const config = parseOptions("detectFolder", detectSchema, options)
  const listener = listenerOf(hooks)
  const { signal, log } = listener
  const formats = detectionFormats(config.format)
  const shard = shardOf(config.shard)
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
  if (!config.resume && config.out !== undefined) refuseResults(config.out)
  const ids = idSourceOf(config)
  const imageIds = await truthImageIds(ids, listener)
  const total = shard && source.count !== undefined ? countIn(shard, source.count) : source.count
  using images = await startsWithOne(source.images)
  if (images === undefined) throw new DataError(`${config.source}: expected images, found none`)

  const asked = lookOf({ ...config, score: undefined })
  const weights = await weightsFiles(config.weights, config.offline, listener)
  const { engine, precision } = config
  const network = await parts.openNetwork(weights, { engine, precision, detect: asked })
  using _ = { [Symbol.dispose]: () => network.dispose() }
  if (network.engine !== undefined) log(engineLine(network))
  const { classes, bestScore } = network
  const score = config.score === "best" ? expectBestScore(bestScore, weights) : config.score
  const look = { ...asked, score }
  const only = classesOf(config.classes, classes)
  const own = makeRunFolder("detect", config.out)
  using held = config.resume ? await awaitFolder(own, "written", log, signal) : holdFolder(own, "written")
  const { folder } = held
  const record: DetectionRecord = {
    ...(config.fps !== undefined && { fps: config.fps }),
    source: config.source === "-" || isAddress(config.source) ? config.source : resolve(config.source),
    weights: weightsOf(weights),
    engine: network.engine,
    ...(precision !== "float32" && { precision }),
    options: look,
    ...(only && { only: [...only] }),
    classes,
    categoryIds: categoryIdsOf(network),
    formats,
    ...ids,
    shard: shard ?? null,
    finished: false,
  }
  if (!config.resume) refuseResults(folder)
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
  const began = performance.now()
  let looked = 0
  try {
    using lines = new DetectionLog(path)
    let started = began
    listener.progress({ job: "detect", done: 0, total })
    for await (const detected of detectImages(network, parts.decode, left, look, signal)) {
      const { image } = detected
      const report = { path: image.path, place: tally.images + 1, total }
      // The line is written last: an image that has one has all that belongs to it.
      if (detected.error !== undefined) {
        lines.write({ ...image, error: withoutFile(detected.error.message, image.file) })
        tally.add(undefined)
        hooks.onImage?.({ ...report, error: detected.error, milliseconds: performance.now() - started })
      } else {
        const { pixels, detections, ...size } = detected
        const found = { ...size, detections: only ? detections.filter(({ label }) => only.has(label)) : detections }
        const milliseconds = performance.now() - started
        const error = await ownFault(async () => {
          if (video) await video.write(await parts.draw(pixels, found.detections, config))
          else if (config.draw) await writePicture(folder, image, pixels, found.detections, parts.draw, config)
          if (config.crops) await writeCrops(folder, classes, image, pixels, found.detections, parts.encode)
        })
        lines.write({ ...image, ...(error === undefined ? found : { error: error.message }) })
        tally.add(error === undefined ? found : undefined)
        hooks.onImage?.({ ...report, ...(error === undefined ? { found } : { error }), milliseconds })
      }
      started = performance.now()
      looked++
      listener.progress({ job: "detect", done: tally.images, total })
    }
    await video?.finish()
    const seconds = (performance.now() - began) / 1000
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
    if (finished) writeRecord(folder, { ...record, finished })
    return {
      ...labelled,
      ...{ folder, ...tally.result(), finished, score, bestScore: bestScore ?? null },
      imagesPerSecond: looked > 0 ? looked / seconds : null,
      video: video && join(folder, videoName),
    }
  } catch (error) {
    if (!(error instanceof WriteError)) throw error
    throw new UserError(`${error.message}. ${tally.images} images are done; go on with --out ${folder} --resume`)
  }
}

/** @throws UsageError where the weights tell of no validation */
function expectBestScore(bestScore: number | undefined, weights: readonly string[]): number {
  if (bestScore !== undefined) return bestScore
  const why = weights.length > 1 ? "several detectors have none together" : `${weights[0]} tells of no validation`
  throw new UsageError(`--score best: ${why}. Give a number; resdet eval prints the best one`)
}

/** @throws UsageError for a name that is no class of the detector */
function classesOf(wanted: readonly string[] | undefined, known: readonly string[]): ReadonlySet<string> | undefined {
  const unknown = wanted?.find((name) => !known.includes(name))
  if (unknown === undefined) return wanted && new Set(wanted)
  throw new UsageError(
    `--classes: no class "${shown(unknown)}".${didYouMean(unknown, known)} Known: ${known.join(", ")}`,
  )
}

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

/** Counts what was found, in this run and in the ones that it goes on with. */
class Tally {
  images = 0
  #skipped = 0
  readonly #labels = new Map<string, number>()

  /** @param found undefined for an image that could not be read */
  add(found: { readonly detections: readonly Detection[] } | undefined): void {
    this.images++
    if (found === undefined) this.#skipped++
    for (const { label } of found?.detections ?? []) this.#labels.set(label, (this.#labels.get(label) ?? 0) + 1)
  }

  result(): Pick<DetectFolderResult, "images" | "skipped" | "objects"> {
    const objects = Object.fromEntries([...this.#labels].sort(([, a], [, b]) => b - a))
    return { images: this.images, skipped: this.#skipped, objects }
  }
}

/** A message without the file it begins with, which the line names by its path in the source. */
function withoutFile(message: string, file: string): string {
  return file !== "" && message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message
}
