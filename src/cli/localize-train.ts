import { localizeTrainSchema } from "../tasks/options/train-localizer.js"
import { trainCommand } from "./train-command.js"

export const { configure } = trainCommand("localize train", localizeTrainSchema, async () => {
  const { trainLocalizer, resumeLocalizer, planLocalizerRun } = await import("../tasks/train-localizer.js")
  return { start: trainLocalizer, resume: resumeLocalizer, plan: planLocalizerRun }
})
