import { quickstartSchema } from "../tasks/options/quickstart.js"
import { defineCommand } from "./command.js"
import { imageLine } from "./detect.js"
import { following } from "./train-command.js"

export const command = defineCommand({
  schema: quickstartSchema,
  description:
    "train a detector in a few minutes and see it work: sets up the engine, makes pictures of handwritten digits, pre-trains a " +
    "ResNet, trains a Faster R-CNN from it, scores it and draws what it finds",
  async run(options, terminal) {
    const { quickstart } = await import("../tasks/quickstart.js")
    const result = await quickstart(options, {
      ...following(terminal),
      onImage: (image) => terminal.log(imageLine(image)),
    })
    const { mAP, valImages, seconds, pictures, weights } = result
    const score = mAP === null ? "n/a" : mAP.toFixed(3)
    const text = [
      `mAP@0.5 ${score} on ${valImages} pictures it has not seen, after ${(seconds / 60).toFixed(1)} minutes`,
      `pictures with boxes drawn: ${pictures}`,
      `next: npx resdet detect --weights ${weights} --source <your pictures>`,
    ].join("\n")
    return { text, document: result }
  },
})
