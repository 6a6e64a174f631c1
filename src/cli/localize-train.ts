import { z } from "zod"
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
  async ({ folder, weights: { last } }) => {
    const { findRecord } = await import("../tasks/training/run-record.js")
    const isSecond = record.safeParse(findRecord(folder)).data?.config.stage === "rcnn"
    return `localize eval ${isSecond ? "--weights <rpn> --rcnn" : "--weights"} ${word(last)}`
  },
)

/** What a run's record tells of the stage that it trained. */
const record = z.object({ config: z.object({ stage: z.string() }) })
