import { DataError, UsageError } from "../core/errors.js"
import { isAddress } from "../core/fetch-bytes.js"
import { detectImages } from "../predict/detect-images.js"
import { logLine } from "../predict/detection-log.js"
import { openImageSource } from "../predict/image-source.js"
import { canResume, type DetectFolderResult, type DetectHooks, type DetectParts } from "./detect-folder.js"
import { listenerOf } from "./hooks.js"
import { flagName } from "./option.js"
import type { CheckedDetectOptions } from "./options/detect.js"
import { readyDetector } from "./ready-detector.js"
import { countIn, remainingImages, shardOf, startsWithOne } from "./remaining-images.js"
import { Tally, takeDetections } from "./take-detections.js"

/** What `--out` is where lines are wanted in place of a folder. */
export const standardOutput = "-"

/**
 * Detects and hands on the lines of `detections.jsonl` as images are done; no file is written.
 * @throws UsageError for options that need a folder
 */
export async function streamDetections(
  parts: DetectParts,
  config: CheckedDetectOptions,
  hooks: DetectHooks,
): Promise<DetectFolderResult> {
  const { onLine } = hooks
  if (onLine === undefined) throw new UsageError('detectFolder: out "-" needs the hook onLine, which takes the lines')
  expectLinesAlone(config)
  const listener = listenerOf(hooks)
  const { signal } = listener
  const shard = shardOf(config.shard)
  if (config.offline && isAddress(config.source)) throw new UsageError(`--offline: ${config.source} would be fetched`)
  const source = await openImageSource(config.source, { standardInput: process.stdin, fps: config.fps })
  const count = source.count(() => true)
  const total = shard && count !== undefined ? countIn(shard, count) : count
  using images = await startsWithOne(source)
  if (images === undefined) throw new DataError(`${config.source}: expected images, found none`)
  using ready = await readyDetector(parts, config, listener)
  const { network, look, detect } = ready
  const tally = new Tally()
  const left = remainingImages(images, shard, undefined, () => {})
  const imagesPerSecond = await takeDetections(detectImages(network, parts.decode, left, detect, signal), tally, {
    total,
    write: (image) => onLine(logLine(image)),
    onImage: (report) => hooks.onImage?.(report),
    progress: (done) => listener.progress({ job: "detect", done, total }),
  })
  return {
    ...{ folder: standardOutput, ...tally.result(), finished: !signal.aborted, canResume: canResume(source, false) },
    ...{ score: look.score, bestScore: network.bestScore ?? null, imagesPerSecond, video: null },
  }
}

function expectLinesAlone(config: CheckedDetectOptions): void {
  const { resume, crops, labels, below, submission, gt, data, format } = config
  const ofFolder = { resume: resume || undefined, crops: crops || undefined, labels, below, submission, gt, data }
  const [idle] = Object.entries(ofFolder).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  const wanted = idle ?? (format.some((name) => name !== "jsonl") ? "format" : undefined)
  if (wanted === undefined) return
  throw new UsageError(`--out - writes JSON lines alone: --${flagName(wanted)} needs a folder`)
}
