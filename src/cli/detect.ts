import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import type { Detection } from "../predict/detect-images.js"
import type { DetectParts, ImageReport } from "../tasks/detect-folder.js"
import { detectSchema } from "../tasks/options/detect.js"
import { type CommandModule, defineCommand } from "./command.js"

export const command = detectCommand()

/** The `detect` command. @param parts what detects, decodes and draws, for tests; the real ones when left out */
export function detectCommand(parts?: DetectParts): CommandModule {
  return defineCommand({
    schema: detectSchema,
    async run(options, { hooks, log }) {
      const { detectFolder, detectWith } = await import("../tasks/detect-folder.js")
      const following = { ...hooks, signal: hooks.signal, onImage: (image: ImageReport) => log(imageLine(image)) }
      const result = await (parts ? detectWith(parts, options, following) : detectFolder(options, following))
      const { folder, images, skipped, objects, finished } = result
      if (images > 1) log(summary(images - skipped, objects))
      if (!finished) log(`stopped after ${images} images; go on with the same command and --out ${folder} --resume`)
      const failure =
        skipped > 0
          ? new DataError(`${skipped} of ${images} images could not be read or written; the others are in ${folder}`)
          : undefined
      return { text: folder, document: result, failure }
    },
  })
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

function summary(images: number, objects: Readonly<Record<string, number>>): string {
  const found = Object.entries(objects).map(([label, count]) => `${count} ${shown(label)}`)
  return `${images} images: ${found.length === 0 ? "nothing found" : found.join(", ")}`
}
