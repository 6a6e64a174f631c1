import { UserError } from "../core/errors.js"
import { whereWeightsSchema } from "../tasks/options/weights.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: whereWeightsSchema,
  operands: ["name"],
  async run(options) {
    const { whereWeights } = await import("../tasks/weights.js")
    const result = whereWeights(options)
    const { path, isThere, name } = result
    const failure = isThere ? undefined : new UserError(`it is not there yet. Run: npx resdet weights get ${name}`)
    return { text: path, document: result, failure }
  },
})
