/**
 * The paper's degradation experiment (section 4.2, Fig. 6): plain and residual CIFAR networks of several depths, trained
 * the same way from scratch. After every epoch `curves.csv` and `curves.svg` in the output folder are written anew. Deeper
 * than 56 layers the paper starts at a lower rate, which this script does not.
 * `node dist/scripts/degradation.js --data cifar10 [--epochs 30 --depths 20,56 --batch 128 --lr 0.1 --seed 0 --out DIR]`
 */
import { join } from "node:path"
import { parseArgs } from "node:util"
import { writeWhole } from "../datasets/atomic.js"
import { labelledLoader } from "../datasets/loader/labelled-loader.js"
import { readLabelled } from "../datasets/read-labelled.js"
import { networkSpec } from "../src/backbone/networks.js"
import { ResNet } from "../src/backbone/resnet.js"
import { classificationTask } from "../src/classify/task.js"
import { plotSvg } from "../src/cli/plot.js"
import { log, print } from "../src/cli/report.js"
import { type EngineChoice, startEngine } from "../src/engine/start.js"
import { UsageError } from "../src/tensor/errors.js"
import { Parameters, Scope } from "../src/tensor/parameters.js"
import { seededRandom } from "../src/tensor/random.js"
import { runTraining } from "../src/train/run.js"
import { scheduleOptions } from "../src/train/schedule.js"
import { sgdDefaults } from "../src/train/sgd.js"

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    epochs: { type: "string", default: "30" },
    depths: { type: "string", default: "20,56" },
    batch: { type: "string", default: "128" },
    lr: { type: "string", default: "0.1" },
    seed: { type: "string", default: "0" },
    out: { type: "string", default: join("runs", "degradation") },
    engine: { type: "string", default: "auto" },
  },
})
if (values.data === undefined) throw new UsageError("degradation: expected --data with CIFAR-10's binary files")
const [epochs, batchSize, lr, seed] = [values.epochs, values.batch, values.lr, values.seed].map(Number) as [
  number,
  number,
  number,
  number,
]
if (
  ![epochs, batchSize].every((value) => Number.isInteger(value) && value >= 1) ||
  !(lr > 0) ||
  !Number.isInteger(seed)
) {
  throw new UsageError(
    "degradation: expected whole numbers for --epochs, --batch and --seed, and a rate above 0 for --lr",
  )
}
const names = values.depths.split(",").flatMap((depth) => [`cifar_plain${depth}`, `cifar_resnet${depth}`])
// Before hours of training: every name must be a network's.
for (const name of names) networkSpec(name)

interface Row {
  readonly network: string
  readonly epoch: number
  /** Share of the epoch's augmented images that were wrong when they were trained on. */
  readonly trainError: number
  readonly testError: number
  readonly seconds: number
}

log(`engine: ${await startEngine(values.engine as EngineChoice)}`)
const common = { batchSize, seed }
const training = labelledLoader(readLabelled(values.data, { split: "train" }), { ...common, views: "training" })
const testing = labelledLoader(readLabelled(values.data, { split: "test" }), { ...common, views: "testing" })
const rows: Row[] = []
for (const name of names) await train(name)
for (const name of names) {
  const last = rows.findLast(({ network }) => network === name)!
  print(`${name}: training error ${last.trainError.toFixed(4)}, test error ${last.testError.toFixed(4)}`)
}

async function train(name: string): Promise<void> {
  const parameters = new Parameters(seededRandom(seed))
  const network = new ResNet(new Scope(parameters), networkSpec(name))
  const data = { training, validation: testing, name: String }
  const task = classificationTask(network, parameters, data, { statisticsImages: 0 })
  // The paper drops the rate at 32k and 48k of 64k iterations.
  const steps = epochs * training.batchesPerEpoch
  const schedule = scheduleOptions({ base: lr, steps, shape: "steps", drops: [1 / 2, 3 / 4], factor: 0.1, warmup: 0 })
  const never = Number.POSITIVE_INFINITY
  let since = performance.now()
  await runTraining(
    task,
    {
      epochs,
      seed,
      schedule,
      sgd: sgdDefaults,
      clipNorm: never,
      validateEvery: 1,
      metric: "accuracy",
      reportEvery: never,
    },
    {
      onStep: async () => {},
      onSave: async () => {},
      async onEpoch(epoch, { train_error: trainError = Number.NaN }, { top1_error: testError = Number.NaN }) {
        const seconds = (performance.now() - since) / 1000
        rows.push({ network: name, epoch, trainError, testError, seconds })
        log(
          `${name} ${epoch}/${epochs}: training ${trainError.toFixed(4)}, test ${testError.toFixed(4)}, ${seconds.toFixed(1)} s`,
        )
        write()
        since = performance.now()
      },
    },
    new AbortController().signal,
  )
  parameters.dispose()
}

function write(): void {
  const lines = rows.map(({ network, epoch, trainError, testError, seconds }) =>
    [network, epoch, trainError, testError, seconds.toFixed(1)].join(","),
  )
  writeWhole(
    join(values.out, "curves.csv"),
    `${["network,epoch,train_error,test_error,seconds", ...lines].join("\n")}\n`,
  )
  const chart = (title: string, figure: "trainError" | "testError") => ({
    title,
    along: "epoch",
    lines: names.map((name) => ({
      name,
      points: rows.filter(({ network }) => network === name).map((row) => [row.epoch, row[figure]] as const),
    })),
  })
  writeWhole(
    join(values.out, "curves.svg"),
    plotSvg([chart("Training error", "trainError"), chart("Test error", "testError")]),
  )
}
