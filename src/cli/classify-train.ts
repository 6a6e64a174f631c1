import { classifyTrainSchema } from "../tasks/options/train-classifier.js"
import { trainCommand } from "./train-command.js"

export const { configure } = trainCommand("classify train", classifyTrainSchema, async () => {
  const { trainClassifier, resumeClassifier, planClassifier } = await import("../tasks/train-classifier.js")
  return { start: trainClassifier, resume: resumeClassifier, plan: planClassifier }
})
