import { formatFault } from "../../datasets/faults.js"
import { DataError } from "../core/errors.js"
import type { DatasetCheck } from "../tasks/check-dataset.js"
import { checkDatasetSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"
import { suspectLine } from "./suspect-lines.js"

export const command = defineCommand({
  schema: checkDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { checkDataset } = await import("../tasks/check-dataset.js")
    const check = await checkDataset(options, hooks)
    const { faults } = check
    const text = [...faultLines(check), ...suspectLines(check)].join("\n")
    if (faults.length === 0) return { text, document: check }
    return { text, document: check, failure: new DataError(`${options.data}: faults found: ${faults.length}`) }
  },
})

function faultLines({ faults, counts }: DatasetCheck): string[] {
  if (faults.length === 0) return ["no faults"]
  const lines = faults.map((fault) => `${fault.split}: ${formatFault(fault, false)}`)
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
  return [...lines, `${faults.length} faults: ${kinds.join(", ")}`]
}

function suspectLines({ suspects }: DatasetCheck): string[] {
  if (suspects === undefined) return []
  const { counts, list } = suspects
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
  return [
    ...list.map((one) => `${one.split}: ${suspectLine(one)}`),
    `${list.length} suspected label errors: ${kinds.join(", ")}`,
  ]
}
