import { DataError } from "../core/errors.js"
import { viewDatasetSchema } from "../tasks/options/dataset.js"
import type { DatasetView } from "../tasks/view-dataset.js"
import { defineCommand } from "./command.js"
import { suspectLine } from "./suspect-lines.js"

export const command = defineCommand({
  schema: viewDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { viewDataset } = await import("../tasks/view-dataset.js")
    const view = await viewDataset(options, hooks)
    const { length } = view.faults
    const failure = length > 0 ? new DataError(`${options.data}: images that could not be drawn: ${length}`) : undefined
    const summary = [`${view.pictures.length} pictures in ${options.out}, all of them on ${view.page}`]
    return { text: pictureLines(view).join("\n"), summary, document: view, failure }
  },
})

/** Each picture, below it what is suspected there. */
function pictureLines({ pictures, suspects = [] }: DatasetView): string[] {
  return pictures.flatMap((path) => {
    const here = suspects.filter(({ picture }) => picture === path)
    return [path, ...here.map((one) => `  ${suspectLine(one)}`)]
  })
}
