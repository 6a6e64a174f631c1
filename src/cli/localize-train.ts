import { localizeTrainSchema } from "../tasks/options/train-localizer.js"
import { word } from "./next-command.js"
import { trainCommand } from "./train-command.js"

export const command = trainCommand(
  "localize train",
  localizeTrainSchema,
  async () => {
    const { trainLocalizer, resumeLocalizer, planLocalizerRun } = await import("../tasks/train-localizer.js")
    return { start: trainLocalizer, resume: resumeLocalizer, plan: planLocalizerRun }
  },
  ({ weights }) => `localize eval --weights ${word(weights.last)}`,
)
