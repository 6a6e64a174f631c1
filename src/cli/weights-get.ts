import { getWeightsSchema } from "../tasks/options/weights.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: getWeightsSchema,
  operands: ["name"],
  async run(options, { hooks }) {
    const { getWeights } = await import("../tasks/weights.js")
    const result = await getWeights(options, hooks)
    return { text: result.path, document: result }
  },
})
