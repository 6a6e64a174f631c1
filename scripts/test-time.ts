/**
 * What each way of looking at images is worth: runs a detector over a data set with one switch of `resdet eval` after the
 * other, and prints one table: mAP@0.5, mAP@[.5,.95] and milliseconds an image (median; reading the file not counted).
 *
 *   npm run -s build
 *   node dist/scripts/test-time.js --weights W [W2 ...] --data D [--split val] [--images 50] [--engine auto] [--only="..."]
 *
 * `--images` takes the first so many alone. `--only="--flip;--flip --vote"` measures these instead of the list below. With
 * several weights each is measured alone first, then all together, then the switches on all together.
 */
import { Command } from "commander"
import { z } from "zod"
import { readDataset } from "../datasets/read.js"
import { defineCommand, givenOptions } from "../src/cli/command.js"
import { UsageError } from "../src/core/errors.js"
import type { DetectOptions } from "../src/detector/detect-options.js"
import type { EngineChoice } from "../src/engine/names.js"
import { DetectionEvaluator } from "../src/eval/evaluator.js"
import { detectRecords } from "../src/predict/detect-records.js"
import { openTensorNetwork } from "../src/predict/network.js"
import { lookOf, lookShape } from "../src/tasks/options/detect.js"
import { Checkpoint } from "../src/weights/checkpoint.js"
import { expectDetector } from "../src/weights/open-model.js"
import { parseFlags } from "./flags.js"

const { values, positionals } = parseFlags({
  allowPositionals: true,
  options: {
    weights: { type: "string" },
    data: { type: "string" },
    split: { type: "string", default: "val" },
    images: { type: "string" },
    engine: { type: "string", default: "auto" },
    only: { type: "string" },
  },
})
if (values.weights === undefined || values.data === undefined) throw new UsageError("expected --weights and --data")
const weights = [values.weights, ...positionals]
const engine = values.engine as EngineChoice

/** The paper's three steps on top of each other, and each of today's switches alone. */
function switches(size: number): string[] {
  const scales = [0.75, 1, 1.25].map((factor) => Math.round(size * factor)).join(",")
  return [
    "--nms 0.3",
    "--refine",
    "--vote",
    "--refine --vote",
    "--refine --vote --nms 0.3",
    `--scales ${scales}`,
    `--refine --vote --nms 0.3 --scales ${scales}`,
    "--flip",
    "--soft-nms linear",
    "--soft-nms gaussian",
    "--tiles 400",
  ]
}

function optionsOf(flags: string): DetectOptions {
  const command = new Command("look")
  const schema = z.strictObject(lookShape)
  defineCommand({ schema, run: async () => ({}) }).configure(command)
  command.action(() => {}).parse(flags.split(" ").filter(Boolean), { from: "user" })
  return lookOf(givenOptions(command, { schema }).options)
}

async function measure(files: readonly string[], flags: string): Promise<string> {
  const network = await openTensorNetwork(files, engine)
  const times: number[] = []
  const timed: typeof network = {
    ...network,
    async detect(image, options) {
      const since = performance.now()
      const found = await network.detect(image, options)
      times.push(performance.now() - since)
      return found
    },
  }
  try {
    const set = await readDataset(values.data!, { split: values.split, classes: network.classes })
    const images = set.images.slice(0, values.images === undefined ? undefined : Number(values.images))
    const evaluator = DetectionEvaluator.of({ ...set, images }, { details: false })
    await detectRecords(timed, images, optionsOf(flags), ({ imageId }, found) => evaluator.addImage(imageId, found))
    const { coco, voc } = evaluator.report()
    const milliseconds = times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!
    const figures = [100 * voc[0]!.voc12, 100 * coco.AP50, 100 * coco.AP, 100 * coco.AP75, milliseconds]
    return figures.map((value, i) => (i < 4 ? value.toFixed(1) : value.toFixed(0)).padStart(9)).join("")
  } finally {
    network.dispose()
  }
}

using checkpoint = Checkpoint.open(weights[0]!)
const { size } = expectDetector(checkpoint).config
const alone = weights.length === 1 ? [] : weights.map((file) => ({ name: file, files: [file], flags: "" }))
const wanted = values.only?.split(";") ?? switches(size)
const runs = [
  ...alone,
  { name: weights.length === 1 ? "plain" : "all together", files: weights, flags: "" },
  ...wanted.map((flags) => ({ name: flags, files: weights, flags })),
]
const width = Math.max(...runs.map(({ name }) => name.length))
process.stdout.write(`${"".padEnd(width)}  mAP@0.5     AP50       AP     AP75       ms\n`)
for (const { name, files, flags } of runs) {
  process.stdout.write(`${name.padEnd(width)}${await measure(files, flags)}\n`)
}
