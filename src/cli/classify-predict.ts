import { z } from "zod"
import { DataError, UsageError } from "../core/errors.js"
import { classLines, headLine, type ImageClasses } from "../tasks/class-lines.js"
import { option } from "../tasks/option.js"
import { classifyFolderSchema } from "../tasks/options/classify.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: classifyFolderSchema.extend({
    csv: option(z.boolean().optional(), { help: "the name that --format csv had in 0.1.0", advanced: true }),
  }),
  async run({ csv, ...given }, { hooks, json, print, log }) {
    if (csv && given.format === "jsonl") throw new UsageError("classify predict: expected --format or --csv, got both")
    if (csv) log('--csv: "csv" is now called "format csv"')
    const options = csv ? { ...given, format: "csv" as const } : given
    const { format, out } = options
    const { classifyFolder } = await import("../tasks/classify-folder.js")
    const found: ImageClasses[] = []
    let head = headLine(format)
    const onImage = (one: ImageClasses) => {
      if (json !== undefined) found.push(one)
      if (out !== undefined) return
      for (const line of [...(head === undefined ? [] : [head]), ...classLines(one, format)]) print(line)
      head = undefined
    }
    const { images, skipped, finished } = await classifyFolder(options, { ...hooks, onImage })
    const message = `${skipped.length} of ${images} images could not be read`
    const told = finished
      ? `${images - skipped.length} images${out === undefined ? "" : `: ${out}`}`
      : `stopped after ${images} images${out === undefined ? "" : `: ${out} is not written`}`
    return {
      summary: [told],
      document: { images: found, skipped },
      failure: skipped.length > 0 ? new DataError(message) : undefined,
    }
  },
})
