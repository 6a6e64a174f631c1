import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { makeDigits, writeDigitCrops } from "../datasets/digits.js"
import { main } from "../src/cli/main.js"
import { log, print } from "../src/cli/report.js"
import { startEngine } from "../src/engine/start.js"

// The paper's whole chain in a few minutes: a ResNet learns to tell digits apart, then finds them in pictures.

const folder = join("runs", "quickstart")
const data = join(folder, "digits")
const crops = join(folder, "crops")
const classifier = join(folder, "classifier")
const run = join(folder, "detector")
const began = performance.now()
/** How much is learned: WebAssembly is several times slower and gets a smaller task, with a lower mAP. */
const native = { images: 600, valImages: 150, crops: 9600, size: 192, epochs: 3, batch: 4, regions: 32 }
const small: typeof native = { ...native, valImages: 40, crops: 3200, size: 128, epochs: 1, batch: 2, regions: 16 }

// Where native TensorFlow cannot be set up, the rest runs on WebAssembly.
await step("set up the engine", async () => void (await main(["setup"])))
const engine = await startEngine((process.env.RESDET_ENGINE ?? "auto") as "auto")
const task = engine === "tensorflow" ? native : small
log(`engine: ${engine}\n`)

/** Small digits need few bins; half of the regions show objects, as there are only minutes to learn from. */
const settings = [
  "detector.align.size=4",
  `detector.roi.sample.batchSizePerImage=${task.regions}`,
  "detector.roi.sample.positiveFraction=0.5",
  "detector.proposals.test.postNmsTopN=50",
  "schedule=cosine",
  "warmup=50",
  "logEvery=25",
]

await step("write pictures of handwritten digits", async () => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await makeDigits(data, { images: task.images, valImages: task.valImages })
  await writeDigitCrops(crops, { images: task.crops, valImages: 500, side: 48 })
})
/** Digits are seen as they are: mirrored or cut they would be no digits. */
const views = ["shorter=[48,48]", "flip=0", "colour=0", "statisticsImages=1000"]
const lesson = ["schedule=cosine", "warmup=20", "clipNorm=10", "logEvery=50", ...views]
await step("pre-train a ResNet-18 to classify digits", () =>
  resdet(
    ...["classify", "train", "--data", crops, "--model", "resnet18", "--out", classifier, "--size", "48"],
    ...["--epochs", "1", "--batch", "32", "--lr", "0.02", "--set", ...lesson],
  ),
)
const backbone = join(classifier, "weights", "last.safetensors")
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
