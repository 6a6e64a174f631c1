/**
 * Shows that localization learns: pictures with one drawn shape each, a ResNet-18 from nothing, about a minute on two
 * cores. Prints the localization error with the class given, in percent: untrained, trained, looked at in other ways, and
 * of the whole image as the box. `--rcnn` trains the second stage too: some minutes more.
 *
 *   npm run -s build && node dist/scripts/localize-demo.js [--rcnn]
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeShapes } from "../datasets/digits.js"
import { evaluateLocalizer } from "../src/tasks/evaluate-localizer.js"
import type { TrainLocalizerOptions } from "../src/tasks/options/train-localizer.js"
import { trainLocalizer } from "../src/tasks/train-localizer.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-localize-demo-"))
const log = (line: string) => void process.stderr.write(`${line}\n`)
const data = join(folder, "shapes")

async function train(name: string, options: Partial<TrainLocalizerOptions>): Promise<string> {
  const out = join(folder, name)
  await trainLocalizer({ data, out, valEvery: 0, ...options }, { onLog: log })
  return join(out, "weights", "last.safetensors")
}

async function tell(what: string, flags: Omit<Parameters<typeof evaluateLocalizer>[0], "data">): Promise<void> {
  const { gtClassError, wholeImageError } = (await evaluateLocalizer({ data, ...flags })).figures
  const [own, whole] = [gtClassError, wholeImageError].map((error) => (100 * error).toFixed(1))
  process.stdout.write(`${what}: ${own} % (whole image: ${whole} %)\n`)
}

try {
  await makeShapes(data, { images: 400, valImages: 100, sides: [128, 176], heights: [36, 96], counts: [1, 1] })
  const small = { size: 96, stages: 3, batch: 16 }
  const untrained = await train("untrained", { ...small, epochs: 1, lr: 1e-12 })
  const weights = await train("rpn", { ...small, epochs: 6, lr: 0.05 })
  await tell("untrained", { weights: untrained })
  await tell("trained, centre crop", { weights, view: "centre" })
  await tell("trained, dense, one size", { weights })
  await tell("trained, dense, three sizes", { weights, sizes: [96, 110, 144] })
  await tell("trained, dense, three sizes, boxes by vote", { weights, sizes: [96, 110, 144], merge: "vote" })
  if (process.argv.includes("--rcnn")) {
    const second = { stage: "rcnn" as const, proposals: weights, weights, size: 64, batch: 64, regions: 12, epochs: 2 }
    const rcnn = await train("rcnn", second)
    await tell("with the second stage, 50 proposals", { weights, rcnn, proposals: 50 })
    await tell("with the second stage, 200 proposals", { weights, rcnn })
  }
} finally {
  rmSync(folder, { recursive: true })
}
