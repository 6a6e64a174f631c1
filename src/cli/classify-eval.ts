import { DataError } from "../core/errors.js"
import type { ClassificationReport } from "../eval/classification.js"
import { classifyFolderSchema, evaluateClassifierSchema } from "../tasks/options/classify.js"
import { defineCommand, outcomeOf } from "./command.js"
import { commandWords } from "./command-words.js"
import { nextLine } from "./next-command.js"

export const command = defineCommand({
  schema: evaluateClassifierSchema,
  async run(options, { hooks }) {
    const { evaluateClassifier } = await import("../tasks/evaluate-classifier.js")
    const { result, failure: unwritten } = await outcomeOf(evaluateClassifier(options, hooks))
    const { report, images, failed } = result
    const message = `${failed.length} of ${images} images could not be read; the others are scored`
    const failure = unwritten ?? (failed.length > 0 ? new DataError(message) : undefined)
    const next = nextLine(`${commandWords("classify predict", classifyFolderSchema, options)} --source <pictures>`)
    return { text: reportText(report), summary: [next], document: report, failure }
  },
})

/** The errors in percent, and each class with what it was most often taken for. */
function reportText({ images, top1Error, top5Error, perClass, confusion }: ClassificationReport): string {
  const width = Math.max(5, ...perClass.map(({ name }) => name.length))
  const takenFor = (k: number) => {
    const others = confusion[k]!.map((count, other) => ({ count, other })).filter(
      ({ count, other }) => other !== k && count > 0,
    )
    const most = others.sort((a, b) => b.count - a.count).slice(0, 3)
    return most.map(({ count, other }) => `${perClass[other]!.name} ${count}`).join(", ")
  }
  const lines = perClass.map(({ name, images, accuracy }, k) => {
    const share = Number.isNaN(accuracy) ? "n/a" : (100 * accuracy).toFixed(2)
    return `${name.padEnd(width)}  ${String(images).padStart(6)}  ${share.padStart(8)}  ${takenFor(k)}`.trimEnd()
  })
  return [
    `${images} images: top-1 error ${percent(top1Error)}, top-5 error ${percent(top5Error)}`,
    `${"class".padEnd(width)}  images  accuracy  taken for`,
    ...lines,
  ].join("\n")
}

const percent = (share: number): string => (Number.isNaN(share) ? "n/a" : `${(100 * share).toFixed(2)} %`)
