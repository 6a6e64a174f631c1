import { convertDatasetSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: convertDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { convertDataset } = await import("../tasks/convert-dataset.js")
    const written = await convertDataset(options, hooks)
    return { text: written.out, summary: [nextLine(`dataset check ${word(written.out)}`)], document: written }
  },
})
