/**
 * One seeded training step of a detector on native TensorFlow: JSON on stdout, the losses, the first photo's proposals, the SHA-256 of
 * all that it changed in the weights, which go to a file as float32, and what a recorded step asks of TensorFlow. `prove.ts` runs it twice on the device and once on
 * the processor. `seeded-step.js MODEL PRESET SHORTER-SIDE BATCH FILE [--as-cuda]`
 */
import { createHash } from "node:crypto"
import { writeFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import type { TrainingImage } from "../../src/detector/truths.js"
import { isOnCuda } from "../../src/engine/native/op.js"
import { asOnCuda, countTraffic, sumOf } from "../../src/engine/native/traffic.js"
import { startEngine } from "../../src/engine/start.js"
import { detectorGradients } from "../../src/train/detector-gradients.js"
import { Sgd } from "../../src/train/sgd.js"
import { trainStep } from "../../src/train/step.js"

const [model = "", presetName = "", side = "", batch = "", file = ""] = process.argv.slice(2)
await startEngine("tensorflow")
const run = process.argv.includes("--as-cuda") ? asOnCuda : <T>(work: () => T | Promise<T>) => work()
const result = await run(step)
process.stdout.write(`${JSON.stringify(result)}\n`)

async function step() {
  const { options } = preset(presetName, model)
  const parameters = new Parameters(seededRandom(0))
  const detector = buildFasterRcnn(parameters, { ...modelDefaults, model, conv5Norm: "frozen", options }, 5)
  const trainable = parameters.trainable()
  const before = trainable.map(({ variable }) => variable.dataSync<"float32">().slice())
  const [height, width] = [32 * Math.ceil(Number(side) / 32), 32 * Math.ceil((4 * Number(side)) / 96)]
  const random = seededRandom(1)
  const pixels = Float32Array.from({ length: Number(batch) * height * width * 3 }, () => random.normal())
  const images = Array.from({ length: Number(batch) }, (): TrainingImage => {
    const none = new Uint8Array(2)
    const boxes = Float32Array.of(
      width / 9,
      height / 9,
      width / 2,
      height / 2,
      width / 3,
      height / 4,
      0.9 * width,
      height,
    )
    return { height, width, boxes, labels: Int32Array.of(1, 4), crowd: none, difficult: none }
  })
  const optimizer = new Sgd(trainable)
  const input = tf.tensor4d(pixels, [images.length, height, width, 3])
  const sizes = images.map((image): [number, number] => [image.height, image.width])
  const features = tf.tidy(() => detector.features(input) as tf.Tensor4D[])
  const [proposals] = await detector.rpn.propose(features, sizes, options.proposals.train)
  const train = async (given: object) => {
    const prepared = await detector.prepare(input, images)
    const losses = () => detector.losses({ ...prepared, ...given }, seededRandom(2))
    return trainStep(losses, trainable, optimizer, { rate: 0.01, clipNorm: 10 })
  }
  // An untrained RPN finds all anchors about equally good, so that rounding decides which are proposed: the step that is
  // compared is given others, the same everywhere.
  const result = await train({ proposals: sizes.map((size) => madeUpBoxes(300, size)) })
  const changed = trainable.map(({ variable }, at) => {
    const after = variable.dataSync<"float32">()
    return after.map((value, k) => value - before[at]![k]!)
  })
  const bytes = Buffer.concat(changed.map((values) => Buffer.from(values.buffer)))
  writeFileSync(file, bytes)
  // As `train` runs it: recorded the second time.
  const gradients = detectorGradients(detector, () => trainable)!
  const recorded = async () => {
    const prepared = await detector.prepare(input, images)
    const options = { rate: 0.01, clipNorm: 10, gradients: () => gradients(prepared, 2) }
    await trainStep(() => ({}), trainable, optimizer, options)
  }
  for (let step = 0; step < 2; step++) await recorded()
  const { traffic } = await countTraffic(recorded)
  return {
    model,
    preset: presetName,
    size: [height, width],
    onCuda: isOnCuda(),
    ...result,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    proposals: [...proposals!],
    traffic: { calls: traffic.calls, read: sumOf(traffic.read), sent: sumOf(traffic.sent) },
  }
}

function madeUpBoxes(count: number, [height, width]: readonly [number, number]): Float32Array {
  const random = seededRandom(3)
  const boxes = Array.from({ length: count }, () => {
    const [w, h] = [0.05 + 0.6 * random.uniform(), 0.05 + 0.6 * random.uniform()]
    const [x, y] = [(1 - w) * random.uniform(), (1 - h) * random.uniform()]
    return [x * width, y * height, (x + w) * width, (y + h) * height]
  })
  return Float32Array.from(boxes.flat())
}
