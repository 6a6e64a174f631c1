import { makeDemoSchema } from "../tasks/options/dataset.js"
import { defineCommand } from "./command.js"
import { nextLine, word } from "./next-command.js"

export const command = defineCommand({
  schema: makeDemoSchema,
  operands: ["folder"],
  async run(options, { hooks }) {
    const { makeDemo } = await import("../tasks/make-demo.js")
    const demo = await makeDemo(options, hooks)
    return { text: demo.folder, summary: [nextLine(`dataset view ${word(demo.folder)}`)], document: demo }
  },
})
