import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { makeDigitCrops, makeDigits } from "../datasets/digits.js"
import { imageNetDeviation, imageNetMean } from "../datasets/image/resize.js"
import { resNetSpec } from "../src/backbone/architecture.js"
import { ResNet } from "../src/backbone/resnet.js"
import { pixelTask, topOneError } from "../src/classify/pixel-task.js"
import { main } from "../src/cli/main.js"
import { log, print } from "../src/cli/report.js"
import { startEngine } from "../src/engine/start.js"
import { Parameters, Scope } from "../src/tensor/parameters.js"
import { seededRandom } from "../src/tensor/random.js"
import { runTraining } from "../src/train/run.js"
import { scheduleOptions } from "../src/train/schedule.js"
import { sgdDefaults } from "../src/train/sgd.js"
import { saveWeights } from "../src/weights/load.js"

// The paper's whole chain in a few minutes: a ResNet learns to tell digits apart, then finds them in pictures.

const folder = join("runs", "quickstart")
const data = join(folder, "digits")
const backbone = join(folder, "resnet18-digits.safetensors")
const run = join(folder, "detector")
const began = performance.now()
/** How much is learned: WebAssembly is several times slower and gets a smaller task, with a lower mAP. */
const native = { images: 600, valImages: 150, crops: 9600, size: 192, epochs: 3, batch: 4, regions: 32 }
const small: typeof native = { ...native, valImages: 40, crops: 3200, size: 128, epochs: 1, batch: 2, regions: 16 }

await step("set up the engine", () => resdet("setup"))
const engine = await startEngine((process.env.RESDET_ENGINE ?? "auto") as "auto")
const task = engine === "tensorflow" ? native : small
log(`engine: ${engine}\n`)

/** Small digits need few bins; half of the regions show objects, as there are only minutes to learn from. */
const settings = [
  "detector.align.size=4",
  `detector.roi.sample.count=${task.regions}`,
  "detector.roi.sample.positiveShare=0.5",
  "detector.proposals.test.afterNms=50",
  "schedule=cosine",
  "warmup=50",
  "logEvery=25",
]

await step("write pictures of handwritten digits", async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await makeDigits(data, { images: task.images, valImages: task.valImages })
})
await step("pre-train a ResNet-18 to classify digits", pretrain)
await step("train a Faster R-CNN that starts from it", () =>
  resdet(
    ...["train", "--data", data, "--weights", backbone, "--out", run, "--preset", "light"],
    ...["--size", String(task.size), "--epochs", String(task.epochs), "--batch", String(task.batch)],
    ...["--val-every", "0", "--set", ...settings],
  ),
)
const weights = join(run, "weights", "last.safetensors")
const scores = join(folder, "scores.json")
await step("score it on pictures it has not seen", () =>
  resdet("eval", "--weights", weights, "--data", data, "--json", scores),
)
await step("find digits in a folder of pictures", () =>
  resdet(
    "detect",
    "--weights",
    weights,
    "--source",
    join(data, "JPEGImages", "0006*.jpg"),
    "--out",
    join(folder, "detect"),
  ),
)

const { voc12 } = JSON.parse(readFileSync(scores, "utf8")) as { voc12: { mAP: number } }
const minutes = (performance.now() - began) / 60_000
print(
  `mAP@0.5 ${voc12.mAP.toFixed(3)} on ${task.valImages} pictures it has not seen, after ${minutes.toFixed(1)} minutes`,
)
print(`pictures with boxes drawn: ${join(folder, "detect")}`)

async function pretrain(): Promise<void> {
  const train = await makeDigitCrops({ count: task.crops, side: 48, split: "train" })
  const test = await makeDigitCrops({ count: 500, side: 48, split: "val" })
  const parameters = new Parameters(seededRandom(0))
  const network = new ResNet(new Scope(parameters), resNetSpec(18), { classes: train.classes.length })
  const options = { batch: 32, seed: 0, mean: imageNetMean, deviation: imageNetDeviation }
  const lesson = pixelTask(network, parameters, train, options)
  const schedule = scheduleOptions({ base: 0.02, steps: lesson.batchesPerEpoch, shape: "cosine", warmup: 20 })
  const quiet = async () => {}
  const events = {
    onStep: async ({ step, losses }: { step: number; losses: Readonly<Record<string, number>> }) =>
      log(`step ${step}/${lesson.batchesPerEpoch}  loss ${losses.loss!.toFixed(3)}`),
    onEpoch: quiet,
    onSave: quiet,
  }
  await runTraining(
    lesson,
    { epochs: 1, seed: 0, schedule, sgd: sgdDefaults, clipNorm: 10, validateEvery: 0, metric: "", reportEvery: 50 },
    events,
    new AbortController().signal,
  )
  log(`wrong on ${(100 * topOneError(network, test, options)).toFixed(1)} % of unseen digits`)
  saveWeights(backbone, parameters)
  parameters.dispose()
}

async function step(what: string, work: () => Promise<void>): Promise<void> {
  const since = performance.now()
  log(`== ${what}`)
  await work()
  log(`== done in ${((performance.now() - since) / 1000).toFixed(0)} s\n`)
}

async function resdet(...args: string[]): Promise<void> {
  log(`resdet ${args.join(" ")}`)
  const code = await main(args)
  if (code !== 0) process.exit(code)
}
