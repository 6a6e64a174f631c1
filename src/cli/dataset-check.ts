import { formatFault } from "../../datasets/faults.js"
import type { SharedImages } from "../../datasets/shared-images.js"
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
    const problem = check.empty[0] ?? problemOf(check, String(options.data))
    return {
      text: [...faultLines(check), ...suspectLines(check)].join("\n"),
      document: check,
      failure: problem === undefined ? undefined : new DataError(problem),
    }
  },
})

/** Faults that are mended in a copy are no failure. */
function problemOf({ faults, fixed }: DatasetCheck, data: string): string | undefined {
  return faults.length > 0 && fixed === null ? `${data}: faults found: ${faults.length}` : undefined
}

function faultLines({ faults, counts, empty, shared, fixed }: DatasetCheck): string[] {
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
  return [
    ...faults.map((fault) => `${fault.split}: ${formatFault(fault, fixed !== null)}`),
    ...(faults.length > 0 ? [`${faults.length} faults: ${kinds.join(", ")}`] : []),
    ...empty,
    ...shared.map(sharedLine),
    ...(faults.length === 0 && empty.length === 0 ? ["no faults"] : []),
    ...(fixed === null ? [] : [`mended copy: ${fixed.out} (${fixed.format})`]),
  ]
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

function sharedLine({ splits: [first, second], count, example }: SharedImages): string {
  const named = example[0] === example[1] ? example[0] : `${example[0]}, ${example[1]} in ${second}`
  return `${count} images of ${first} are in ${second} too, such as ${named}: what is measured there says nothing of new photos`
}
