import { shown } from "../core/shown.js"
import type { DatasetCounts } from "../tasks/count-dataset.js"
import { countDatasetSchema } from "../tasks/options/dataset.js"
import { fitAnchorsSchema } from "../tasks/options/fit-anchors.js"
import { widest } from "./columns.js"
import { defineCommand } from "./command.js"
import { commandWords, readingOf } from "./command-words.js"
import { nextLine } from "./next-command.js"

export const command = defineCommand({
  schema: countDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { countDataset } = await import("../tasks/count-dataset.js")
    const counts = await countDataset(options, hooks)
    const text = counts.splits.flatMap((split) => splitLines(split, counts)).join("\n")
    const next = nextLine(commandWords("anchors", fitAnchorsSchema, readingOf(options)))
    return { text, summary: [next], document: counts }
  },
})

function splitLines(counts: DatasetCounts["splits"][number], { size, sizeEdges: edges }: DatasetCounts): string[] {
  const { split, images, withoutObjects, objects, crowd, difficult, classes, sizes } = counts
  const width = widest(classes.map(({ name }) => shown(name)))
  const most = Math.max(1, ...sizes)
  return [
    `${shown(split)}: ${images} images (${withoutObjects} without objects), ${objects} objects`,
    ...(crowd + difficult > 0 ? [`  ${crowd} crowd, ${difficult} difficult`] : []),
    ...classes.map(({ name, objects: own, images: among }) => {
      return `  ${shown(name).padEnd(width)} ${String(own).padStart(8)} objects in ${among} images`
    }),
    `  box sizes (square root of the area) at shorter side ${size}:`,
    ...sizes.map((count, i) => {
      const range = `${i === 0 ? 0 : edges[i - 1]}..${edges[i] ?? ""}`
      return `  ${range.padEnd(9)} ${String(count).padStart(8)} ${"#".repeat(Math.round((40 * count) / most))}`.trimEnd()
    }),
  ]
}
