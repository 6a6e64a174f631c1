import type { LocalizationFigures } from "../localize/figures.js"
import { evaluateLocalizerSchema, localizeFolderSchema } from "../tasks/options/localize.js"
import { defineCommand, outcomeOf } from "./command.js"
import { commandWords } from "./command-words.js"
import { nextLine } from "./next-command.js"

export const command = defineCommand({
  schema: evaluateLocalizerSchema,
  async run(options, { hooks }) {
    const { evaluateLocalizer } = await import("../tasks/evaluate-localizer.js")
    const { result, failure } = await outcomeOf(evaluateLocalizer(options, hooks))
    const { figures } = result
    const shown = { ...options, submission: undefined, classIds: undefined }
    const classes = options.classifier === undefined ? " --class <names>" : ""
    const next = nextLine(
      `${commandWords("localize predict", localizeFolderSchema, shown)}${classes} --source <pictures>`,
    )
    return { text: lines(figures).join("\n"), summary: [next], document: figures, failure }
  },
})

/** In percent, as the paper has them. */
function lines(figures: LocalizationFigures): string[] {
  const percent = (value: number) => (Number.isNaN(value) ? "n/a" : `${(100 * value).toFixed(2)} %`)
  const rows: readonly (readonly [string, number])[] = [
    ["localization error, classes given", figures.gtClassError],
    ["localization error, top 5", figures.localizationError],
    ["localization error, top 1", figures.localizationErrorTop1],
    ["classification error, top 5", figures.classificationError],
    ["classification error, top 1", figures.classificationErrorTop1],
    ["the whole image as the box, classes given", figures.wholeImageError],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return [`${figures.images} images`, ...rows.map(([name, value]) => `${name.padEnd(width)}  ${percent(value)}`)]
}
