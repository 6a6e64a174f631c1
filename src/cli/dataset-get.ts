import { getDatasetSchema } from "../tasks/options/get-dataset.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: getDatasetSchema,
  operands: ["name"],
  async run(options, { hooks, log }) {
    const { getDataset } = await import("../tasks/get-dataset.js")
    const result = await getDataset(options, { ...hooks, signal: hooks.signal })
    log(`${result.images} images; next: npx resdet dataset check ${result.folder}`)
    return { text: result.folder, document: result }
  },
})
