import { DataError } from "../core/errors.js"
import { shown } from "../core/shown.js"
import type { ImageObjects } from "../tasks/localize-folder.js"
import { localizeFolderSchema } from "../tasks/options/localize.js"
import { defineCommand, outcomeOf } from "./command.js"

export const command = defineCommand({
  schema: localizeFolderSchema,
  async run(options, { hooks, json, print }) {
    const { localizeFolder } = await import("../tasks/localize-folder.js")
    const found: ImageObjects[] = []
    const onImage = (one: ImageObjects) => {
      if (json !== undefined) found.push(one)
      print(`${shown(one.image)}: ${one.objects.map(objectText).join("; ") || "nothing found"}`)
    }
    const { result, failure: unwritten } = await outcomeOf(localizeFolder(options, { ...hooks, onImage }))
    const { images, skipped, finished } = result
    const message = `${skipped.length} of ${images} images could not be read`
    const failure = unwritten ?? (skipped.length > 0 ? new DataError(message) : undefined)
    const summary = [finished ? `${images - skipped.length} images` : `stopped after ${images} images`]
    return { summary, document: found, failure }
  },
})

function objectText({ label, score, box }: ImageObjects["objects"][number]): string {
  return `${shown(label)} ${score.toFixed(3)} [${box.map((value) => value.toFixed(1)).join(", ")}]`
}
