import { listWeightsSchema } from "../tasks/options/weights.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: listWeightsSchema,
  async run() {
    const { listWeights } = await import("../tasks/weights.js")
    const all = listWeights()
    const width = Math.max(...all.map(({ name }) => name.length)) + 2
    const rows = all.map(({ name, megabytes, accuracy, isThere }) =>
      [name.padEnd(width), `${megabytes.toFixed(0)} MB`.padStart(6), accuracy.padEnd(24), isThere ? "here" : ""]
        .join("  ")
        .trimEnd(),
    )
    const licences = [...new Set(all.map(({ kind, licence }) => `${kind}s: ${licence}`))]
    return { text: [...rows, "", "torchvision's.", ...licences].join("\n"), document: all }
  },
})
