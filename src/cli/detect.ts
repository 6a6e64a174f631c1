import { existsSync } from "node:fs"
import { join } from "node:path"
import type { z } from "zod"
import { DataError, UsageError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import type { Detection } from "../predict/detection.js"
import type { DetectFolderResult, DetectParts } from "../tasks/detect-folder.js"
import type { LabelOutput } from "../tasks/label-output.js"
import { detectSchema } from "../tasks/options/detect.js"
import type { ImageReport } from "../tasks/take-detections.js"
import { type CommandModule, defineCommand } from "./command.js"
import { nextLine, word } from "./next-command.js"

export const command = detectCommand()

/** The `detect` command. @param parts what detects, decodes and draws, for tests; the real ones when left out */
export function detectCommand(parts?: DetectParts): CommandModule {
  return defineCommand({
    schema: detectSchema,
    async run(options, { hooks, log, json, print }) {
      const isStream = options.out === "-"
      if (isStream && json === "-")
        throw new UsageError("--out - and --json - both write to stdout: give --json a file")
      const { detectFolder, detectWith } = await import("../tasks/detect-folder.js")
      const following = {
        ...hooks,
        signal: hooks.signal,
        onImage: (image: ImageReport) => log(imageLine(image)),
        onLine: print,
      }
      const result = await (parts ? detectWith(parts, options, following) : detectFolder(options, following))
      const { folder, images, skipped } = result
      const failure =
        skipped > 0
          ? new DataError(
              `${skipped} of ${images} images could not be read or written${isStream ? "" : `; the others are in ${folder}`}`,
            )
          : undefined
      return { ...(!isStream && { text: folder }), summary: summary(result, options), document: result, failure }
    },
  })
}

type DetectOptions = z.output<typeof detectSchema>

/** What to do with the results. */
function nextOf({ folder, labels }: DetectFolderResult, { shard, gt, data, split }: DetectOptions): string {
  if (shard !== undefined) return "merge <shards> --out <folder>"
  if (labels !== undefined) return `dataset check ${word(labels)}`
  const truth = gt ?? data
  const named = truth === undefined ? "<data>" : `${word(truth)} --split ${word(split)}`
  return `eval --gt ${named} --predictions ${word(folder)}`
}

/** One line on an image: which, how large, what was found, how long it took. */
export function imageLine({ path, place, total, found, error, milliseconds }: ImageReport): string {
  const at = total === undefined ? `${place}` : `${place}/${total}`
  if (found === undefined) return `${at} ${shown(path)}: skipped: ${error!.message}`
  const { width, height, detections } = found
  return `${at} ${shown(path)}: ${width}x${height}, ${countLabels(detections)}, ${Math.round(milliseconds)} ms`
}

/** `2 dog, 1 cat`, in the order of the best scores. */
function countLabels(detections: readonly Detection[]): string {
  const counts = new Map<string, number>()
  for (const { label } of detections) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts].map(([label, count]) => `${count} ${shown(label)}`).join(", ") || "nothing found"
}

function stoppedLine({ folder, images, canResume }: DetectFolderResult): string {
  if (folder === "-") return `stopped after ${images} images`
  if (!canResume) return `stopped after ${images} images, which are in ${word(folder)}`
  return `stopped after ${images} images; go on with the same command and --out ${word(folder)} --resume`
}

/** Where that is which a labeller goes on with. */
export const labelLines = ({ labels, unsure }: LabelOutput): string[] => [
  ...(unsure === undefined ? [] : [`unsure of ${unsure.images}: ${unsure.folder}`]),
  ...(labels === undefined ? [] : [`labels: ${labels}`]),
]

function summary(result: DetectFolderResult, options: DetectOptions): string[] {
  const { draw, crops } = options
  const { folder, images, skipped, objects, finished, score, bestScore, imagesPerSecond, video, submission } = result
  const isStream = folder === "-"
  const found = Object.entries(objects).map(([label, count]) => `${count} ${shown(label)}`)
  const count = images - skipped
  // The first image waits for the engine to warm up.
  const rate = imagesPerSecond === null || images < 2 ? "" : ` (${imagesPerSecond.toPrecision(3)} a second)`
  const asked = [
    ...(draw && !isStream ? [video ?? join(folder, "images")] : []),
    ...(crops ? [join(folder, "crops")] : []),
  ]
  // Where nothing was found nothing is cut out.
  const pictures = asked.filter((path) => existsSync(path))
  return [
    `${count} ${count === 1 ? "image" : "images"}${rate}: ${found.length === 0 ? "nothing found" : found.join(", ")}`,
    ...(bestScore === null || bestScore === score
      ? []
      : [`minimum score ${score}; in validation ${Number(bestScore.toPrecision(3))} was best: --score best`]),
    ...(pictures.length > 0 ? [`pictures: ${pictures.join(", ")}`] : []),
    ...labelLines(result),
    ...(submission === undefined ? [] : [`to upload: ${submission}`]),
    ...(finished ? (isStream ? [] : [nextLine(nextOf(result, options))]) : [stoppedLine(result)]),
  ]
}
