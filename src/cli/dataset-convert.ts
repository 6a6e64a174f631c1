import { convertDatasetSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: convertDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { convertDataset } = await import("../tasks/convert-dataset.js")
    const written = await convertDataset(options, hooks)
    return { text: written.out, document: written }
  },
})
