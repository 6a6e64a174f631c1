import type { z } from "zod"
import { formatFault } from "../../datasets/faults.js"
import type { SharedImages } from "../../datasets/shared-images.js"
import { DataError } from "../core/errors.js"
import type { DatasetCheck } from "../tasks/check-dataset.js"
import { checkDatasetSchema } from "../tasks/options/dataset.js"
import { classifyTrainSchema } from "../tasks/options/train-classifier.js"
import { trainSchema } from "../tasks/options/train-detector.js"
import { defineCommand } from "./command.js"
import { commandWords, readingOf } from "./command-words.js"
import { nextLine } from "./next-command.js"
import { suspectLine } from "./suspect-lines.js"

export const command = defineCommand({
  schema: checkDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { checkDataset } = await import("../tasks/check-dataset.js")
    const check = await checkDataset(options, hooks)
    const { faults, empty, shared, fixed } = check
    const clean = faults.length === 0 && empty.length === 0 ? ["no faults"] : []
    const lines = [...faultLines(check), ...clean, ...empty, ...shared.map(sharedLine), ...suspectLines(check)]
    if (fixed !== null) lines.push(`mended copy: ${fixed.out} (${fixed.format})`)
    const found = faults.length > 0 && fixed === null ? `${options.data}: faults found: ${faults.length}` : undefined
    const problem = found ?? empty[0]
    const failure = problem === undefined ? undefined : new DataError(problem)
    const summary = empty.length > 0 ? [] : nextOf(check, options, found !== undefined)
    return { text: lines.join("\n"), summary, document: check, failure }
  },
})

/** What to run next; sets of whole images are not mended. */
function nextOf(
  { format, fixed }: DatasetCheck,
  options: z.output<typeof checkDatasetSchema>,
  isFaulty: boolean,
): string[] {
  const isLabelled = ["folder", "cifar10", "ilsvrc", "webdataset"].includes(format)
  if (isFaulty) {
    return isLabelled ? [] : [nextLine(`${commandWords("dataset check", checkDatasetSchema, options)} --fix <folder>`)]
  }
  const read = fixed === null ? readingOf(options) : { data: fixed.out }
  const [name, schema] = isLabelled
    ? (["classify train", classifyTrainSchema] as const)
    : (["train", trainSchema] as const)
  return [nextLine(commandWords(name, schema, read))]
}

function faultLines({ faults, counts, fixed }: DatasetCheck): string[] {
  if (faults.length === 0) return []
  const lines = faults.map((fault) => `${fault.split}: ${formatFault(fault, fixed !== null)}`)
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`)
  return [...lines, `${faults.length} faults: ${kinds.join(", ")}`]
}

function sharedLine({ splits: [first, second], count, example }: SharedImages): string {
  const named = example[0] === example[1] ? example[0] : `${example[0]}, ${example[1]} in ${second}`
  return `${count} images of ${first} are in ${second} too, such as ${named}: what is measured there says nothing of new photos`
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
