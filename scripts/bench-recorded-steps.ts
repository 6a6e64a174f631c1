/**
 * Training steps (losses, gradients, update) of one batch: by one tape, as recorded functions, and in bf16 where the processor
 * has it, by turns in one process. Medians and middle halves of time, medians of processor time. Weights and images are
 * made up.
 * `node dist/scripts/bench-recorded-steps.js [--detectors fasterrcnn_resnet50_fpn:torchvision:800 --classifiers resnet50:8:224 --rounds 7 --json FILE]`
 */
import { writeFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import { ResNet } from "../src/backbone/classifier.js"
import { networkSpec } from "../src/backbone/networks.js"
import { softmaxCrossEntropy } from "../src/core/losses.js"
import { Parameters, Scope } from "../src/core/parameters.js"
import { seededRandom } from "../src/core/random.js"
import { buildFasterRcnn } from "../src/detector/build.js"
import { modelDefaults } from "../src/detector/model.js"
import { preset } from "../src/detector/presets.js"
import type { TrainingImage } from "../src/detector/truths.js"
import { type Precision, precisions } from "../src/engine/names.js"
import { bf16Units } from "../src/engine/precision.js"
import { startEngine } from "../src/engine/start.js"
import { machine, spread } from "../src/tasks/bench-phases.js"
import { detectorGradients } from "../src/train/detector-gradients.js"
import { recordedGradients } from "../src/train/gradients.js"
import { Sgd } from "../src/train/sgd.js"
import { type StepOptions, trainStep } from "../src/train/step.js"
import { parseFlags } from "./flags.js"

const WARM_UP = 3
const NUM_CLASSES = 80
const update = { rate: 1e-5, clipNorm: 10 }

const { values } = parseFlags({
  options: {
    detectors: {
      type: "string",
      default:
        "fasterrcnn_resnet50_fpn:torchvision:800,fasterrcnn_resnet18_fpn:light:320,fasterrcnn_resnet18_c4:light:400",
    },
    classifiers: { type: "string", default: "resnet50:8:224,cifar_resnet20:32:32" },
    rounds: { type: "string", default: "7" },
    json: { type: "string" },
  },
})
const list = (text: string) => text.split(",").filter((name) => name !== "")

await startEngine("tensorflow")
const results = []
for (const name of list(values.detectors)) results.push(await compare(name, detectorStep))
for (const name of list(values.classifiers)) results.push(await compare(name, classifierStep))
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`)

/** One step of a batch of its own; `undefined` for one tape. */
type Step = (precision: Precision | undefined, round: number) => Promise<unknown>

function detectorStep(wanted: string, parameters: Parameters): Step {
  const [model = "", name = "torchvision", side = "800"] = wanted.split(":")
  const { options } = preset(name, model)
  const config = { ...modelDefaults, model, conv5Norm: "frozen" as const, options }
  const detector = buildFasterRcnn(parameters, config, NUM_CLASSES)
  const trained = parameters.trainable()
  const optimizer = new Sgd(trained)
  const steps = byPrecision((precision) => detectorGradients(detector, () => trained, precision)!)
  const [height, width] = [Number(side), Math.round((Number(side) * 4) / 3 / 32) * 32]
  return async (precision, round) => {
    const x = tf.randomUniform<tf.Rank.R4>([1, height, width, 3], -1, 1, "float32", round)
    const batch = await detector.prepare(x, [madeUp(height, width, round)])
    x.dispose()
    try {
      const gradients = precision && (() => steps(precision)(batch, round))
      const options: StepOptions = { ...update, gradients }
      return await trainStep(() => detector.losses(batch, seededRandom(round)), trained, optimizer, options)
    } finally {
      batch.dispose()
    }
  }
}

/** An image with seven objects. */
function madeUp(height: number, width: number, seed: number): TrainingImage {
  const random = seededRandom(seed)
  const boxes = Array.from({ length: 7 }).flatMap(() => {
    const [wide, tall] = [0.1 + 0.3 * random.uniform(), 0.1 + 0.3 * random.uniform()]
    const [left, top] = [random.uniform() * (1 - wide), random.uniform() * (1 - tall)]
    return [left * width, top * height, (left + wide) * width, (top + tall) * height]
  })
  const labels = Int32Array.from({ length: 7 }, () => 1 + random.integer(NUM_CLASSES))
  const none = new Uint8Array(7)
  return { height, width, boxes: Float32Array.from(boxes), labels, crowd: none, difficult: none }
}

function classifierStep(wanted: string, parameters: Parameters): Step {
  const [name = "", batch = "1", side = "224"] = wanted.split(":")
  const network = new ResNet(new Scope(parameters), networkSpec(name))
  const trained = parameters.trainable()
  const optimizer = new Sgd(trained)
  const forward = (images: tf.Tensor4D, labels: tf.Tensor1D) => {
    const loss: tf.Scalar = tf.mean(softmaxCrossEntropy(network.train(images), labels))
    return { losses: { loss } }
  }
  const steps = byPrecision((precision) => recordedGradients(forward, () => trained, precision))
  return async (precision, round) => {
    const shape: [number, number, number, number] = [Number(batch), Number(side), Number(side), 3]
    const images = tf.randomUniform<tf.Rank.R4>(shape, -1, 1, "float32", round)
    const labels = tf.tensor1d(new Int32Array(shape[0]).fill(round % 10), "int32")
    try {
      const gradients = precision && (() => steps(precision)(images, labels))
      return await trainStep(() => forward(images, labels).losses, trained, optimizer, { ...update, gradients })
    } finally {
      tf.dispose([images, labels])
    }
  }
}

function byPrecision<Made>(make: (precision: Precision) => Made): (precision: Precision) => Made {
  const made = new Map(precisions.map((precision) => [precision, make(precision)]))
  return (precision) => made.get(precision)!
}

async function compare(wanted: string, make: typeof detectorStep) {
  const parameters = new Parameters(seededRandom(0))
  const step = make(wanted, parameters)
  const contenders = [undefined, "float32" as const, ...(bf16Units().length > 0 ? (["bf16"] as const) : [])]
  const times = contenders.map(() => ({ wall: [] as number[], cpu: [] as number[] }))
  for (let round = 0; round < WARM_UP + Number(values.rounds); round++) {
    for (const [i, precision] of contenders.entries()) {
      const [began, before] = [performance.now(), process.cpuUsage()]
      await step(precision, round)
      const { user, system } = process.cpuUsage(before)
      if (round < WARM_UP) continue
      times[i]!.wall.push(performance.now() - began)
      times[i]!.cpu.push((user + system) / 1000)
    }
  }
  parameters.dispose()
  process.stdout.write(`${machine}; step of ${wanted}; milliseconds: median, middle half of ${values.rounds}, CPU\n`)
  return {
    wanted,
    rows: contenders.map((precision, i) => {
      const who = precision === undefined ? "one tape" : `recorded, ${precision}`
      const [wall, cpu] = [spread(times[i]!.wall), spread(times[i]!.cpu).median]
      const numbers = [wall.median, wall.lower, wall.upper, cpu].map((ms) => ms.toFixed(1).padStart(9)).join("")
      process.stdout.write(`  ${who.padEnd(20)}${numbers}\n`)
      return { who, wall, cpu }
    }),
  }
}
