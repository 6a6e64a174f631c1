import type { ImportedWeights } from "../tasks/import-weights.js"
import { importWeightsSchema } from "../tasks/options/import-weights.js"
import { defineCommand } from "./command.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: importWeightsSchema,
  operands: ["file"],
  async run(options) {
    const { importWeights } = await import("../tasks/import-weights.js")
    const imported = await importWeights(options)
    const file = word(imported.out)
    const next = {
      detector: `eval --weights ${file} --data <data>`,
      classifier: `classify eval --weights ${file} --data <data>`,
      part: `train --weights ${file} --data <data>`,
    }[imported.kind]
    return { text: lines(imported).join("\n"), summary: [nextLine(next)], document: imported }
  },
})

function lines({ kind, out, model, loaded, tensors, classes, zeros, leftOut, table }: ImportedWeights): string[] {
  const named = kind === "detector" ? `: ${firstOf(classes, 3)}` : ""
  const side = zeros === "both" ? "on both sides" : "after the others"
  return [
    `${out}: ${loaded} of ${tensors} tensors of ${model}, ${classes.length} classes${named}`,
    ...(table === null
      ? []
      : [`taken from ${table.key || "the file itself"}; it also holds ${firstOf(table.others, 8)} (--key)`]),
    ...(zeros === null ? [] : [`shortcuts with zero channels ${side} (--zeros)`]),
    ...(leftOut.length === 0 ? [] : [`left out ${leftOut.length}: ${firstOf(leftOut, 8)}`]),
  ]
}

const firstOf = (names: readonly string[], count: number): string =>
  [...names.slice(0, count), ...(names.length > count ? ["..."] : [])].join(", ")
