import { splitDatasetSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: splitDatasetSchema,
  operands: ["data"],
  async run(options, { hooks }) {
    const { splitDataset } = await import("../tasks/split-dataset.js")
    const written = await splitDataset(options, hooks)
    const text = written.splits.map(({ split, images }) => `${split} ${images}`).join("\n")
    return { text, summary: [nextLine(`train --data ${word(written.out)}`)], document: written }
  },
})
