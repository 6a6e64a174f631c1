import type { ExportCheck } from "../predict/check-export.js"
import { exportModelSchema } from "../tasks/options/export-model.js"
import { defineCommand } from "./command.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: exportModelSchema,
  async run(options, { hooks, log }) {
    const { exportModel } = await import("../tasks/export-model.js")
    const exported = await exportModel(options, hooks)
    const { kind, out, model, classes, operations, check } = exported
    if (check !== null) log(`checked: ${checkText(check)}`)
    const text = `${out}: ${model}, ${classes} classes, ${operations} operations`
    if (options.format === "web") {
      return {
        text: `${text}, as a page`,
        summary: [`look: python3 -m http.server --directory ${word(out)}, or any other web server`],
        document: exported,
      }
    }
    const summary = kind === "detector" ? [nextLine(`detect --weights ${word(out)} --source <pictures>`)] : []
    return { text, summary, document: exported }
  },
})

function checkText(check: ExportCheck): string {
  if (check.kind === "classifier") {
    return `logits of 1 and of 3 made-up images agree to ${check.logit.toExponential(1)} of the largest`
  }
  const { same, images, score, edge } = check
  const figures = `scores within ${score.toExponential(1)}, edges within ${edge.toExponential(1)} px`
  return `${same} detections on ${images} made-up images agree, ${figures}`
}
