import { DataError } from "../core/errors.js"
import { mergeDetectionsSchema } from "../tasks/options/merge-detections.js"
import { defineCommand } from "./command.js"
import { labelLines } from "./detect.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: mergeDetectionsSchema,
  operands: ["shards"],
  description:
    "put together what the shards of one detection have found (detect --shard i/n): the same files as of a run that was not shared",
  async run(options, { hooks }) {
    const { mergeDetections } = await import("../tasks/merge-detections.js")
    const result = await mergeDetections(options, hooks)
    const { folder, images, skipped, submission } = result
    const failure =
      skipped > 0
        ? new DataError(`${skipped} of ${images} images could not be read; the others are in ${folder}`)
        : undefined
    const next = nextLine(`eval --gt <data> --predictions ${word(folder)}`)
    return {
      text: folder,
      summary: [
        `${images - skipped} images`,
        ...labelLines(result),
        ...(submission ? [`to upload: ${submission}`] : []),
        next,
      ],
      document: result,
      failure,
    }
  },
})
