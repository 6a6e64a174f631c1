import { getDatasetSchema } from "../tasks/options/get-dataset.js"
import { defineCommand } from "./command.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: getDatasetSchema,
  operands: ["name"],
  async run(options, { hooks }) {
    const { getDataset } = await import("../tasks/get-dataset.js")
    const result = await getDataset(options, { ...hooks, signal: hooks.signal })
    const next = nextLine(`dataset check ${word(result.folder)}`)
    return { text: result.folder, summary: [`${result.images} images`, next], document: result }
  },
})
