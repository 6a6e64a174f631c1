import { DataError } from "../core/errors.js"
import { layerResponsesSchema } from "../tasks/options/classify.js"
import { defineCommand, outcomeOf } from "./command.js"

export const command = defineCommand({
  schema: layerResponsesSchema,
  async run(options, { hooks }) {
    const { layerResponses } = await import("../tasks/layer-responses.js")
    const { result: measured, failure } = await outcomeOf(layerResponses(options, hooks))
    const { networks, images, failed, files } = measured
    const lines = networks.map(({ name, responses }) => {
      const mean = responses.reduce((sum, { deviation }) => sum + deviation, 0) / responses.length
      return `${name}: ${responses.length} layers, mean standard deviation ${mean.toFixed(3)}`
    })
    const message = `${failed} of ${images} images could not be read; the others are measured`
    return {
      text: [...lines, ...(files.length > 0 && !failure ? [files.join(" ")] : [])].join("\n"),
      document: measured,
      failure: failure ?? (failed > 0 ? new DataError(message) : undefined),
    }
  },
})
