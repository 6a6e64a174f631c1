import { formatFault } from "../../datasets/faults.js"
import { DataError } from "../core/errors.js"
import { checkDatasetSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: checkDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { checkDataset } = await import("../tasks/check-dataset.js")
    const check = await checkDataset(options, hooks)
    const { faults, counts } = check
    if (faults.length === 0) return { text: "no faults", document: check }
    const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
    const lines = faults.map((fault) => `${fault.split}: ${formatFault(fault, false)}`)
    return {
      text: [...lines, `${faults.length} faults: ${kinds.join(", ")}`].join("\n"),
      document: check,
      failure: new DataError(`${options.data}: faults found: ${faults.length}`),
    }
  },
})
