import { DataError } from "../core/errors.js"
import { viewDatasetSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: viewDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { viewDataset } = await import("../tasks/view-dataset.js")
    const view = await viewDataset(options, hooks)
    const { length } = view.faults
    const failure = length > 0 ? new DataError(`${options.data}: images that could not be drawn: ${length}`) : undefined
    return { text: view.pictures.join("\n"), document: view, failure }
  },
})
