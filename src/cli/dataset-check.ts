import { formatFault } from "../../datasets/faults.js"
import type { SharedImages } from "../../datasets/shared-images.js"
import { DataError } from "../core/errors.js"
import { checkDatasetSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: checkDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { checkDataset } = await import("../tasks/check-dataset.js")
    const check = await checkDataset(options, hooks)
    const { faults, counts, empty, shared, fixed } = check
    const lines = faults.map((fault) => `${fault.split}: ${formatFault(fault, fixed !== null)}`)
    const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
    if (faults.length > 0) lines.push(`${faults.length} faults: ${kinds.join(", ")}`)
    lines.push(...empty, ...shared.map(sharedLine))
    if (faults.length === 0 && empty.length === 0) lines.push("no faults")
    if (fixed !== null) lines.push(`mended copy: ${fixed.out} (${fixed.format})`)
    const found = faults.length > 0 && fixed === null ? `${options.data}: faults found: ${faults.length}` : undefined
    const problem = empty[0] ?? found
    return {
      text: lines.join("\n"),
      document: check,
      failure: problem === undefined ? undefined : new DataError(problem),
    }
  },
})

function sharedLine({ splits: [first, second], count, example }: SharedImages): string {
  const named = example[0] === example[1] ? example[0] : `${example[0]}, ${example[1]} in ${second}`
  return `${count} images of ${first} are in ${second} too, such as ${named}: what is measured there says nothing of new photos`
}
