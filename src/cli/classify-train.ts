import { classifyTrainSchema } from "../tasks/options/train-classifier.js"
import { word } from "./next-command.js"
import { trainCommand } from "./train-command.js"

export const command = trainCommand(
  "classify train",
  classifyTrainSchema,
  async () => {
    const { trainClassifier, resumeClassifier, planClassifier } = await import("../tasks/train-classifier.js")
    return { start: trainClassifier, resume: resumeClassifier, plan: planClassifier }
  },
  ({ weights: { best, last } }) =>
    best === null
      ? `classify predict --weights ${word(last)} --source <pictures>`
      : `classify eval --weights ${word(last)}`,
)
