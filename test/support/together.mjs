// One of several processes that train small models together; test/train/together.test.ts starts it.
import { createHash } from "node:crypto"
import * as tf from "@tensorflow/tfjs-core"
import { normal } from "../../dist/src/core/initializers.js"
import { Parameters } from "../../dist/src/core/parameters.js"
import { seededRandom } from "../../dist/src/core/random.js"
import { Cluster } from "../../dist/src/engine/cluster.js"
import { startEngine } from "../../dist/src/engine/start.js"
import { sgdDefaults } from "../../dist/src/train/options.js"
import { runTraining } from "../../dist/src/train/run.js"
import { scheduleOptions } from "../../dist/src/train/schedule.js"
import { sharedEvents } from "../../dist/src/train/shared-events.js"
import { recordedTasks } from "./recorded-tasks.mjs"

const { addresses, rank, accumulate, times } = JSON.parse(process.argv[2])
process.env.TF_CPP_MIN_LOG_LEVEL = "3"
await startEngine("tensorflow")
const cluster = addresses.length > 1 ? await Cluster.join({ addresses, rank }, times).catch(tell) : undefined

function tell({ name, message }) {
  process.stdout.write(`${name}: ${message}\n`)
  return undefined
}

const batches = 5
const rows = Array.from({ length: batches }, (_, b) => {
  const random = seededRandom(100 + b)
  return [4, 3].map((columns) => Array.from({ length: 6 }, () => Array.from({ length: columns }, () => random.normal())))
})

/** A linear model by a gradient tape. */
async function train({ epochs, lost = [], spoilt, stop, clipNorm, batchesSeen = [] }) {
  const parameters = new Parameters(seededRandom(1))
  const weight = parameters.create("norm.weight", "linear", [4, 3], normal(1))
  const mean = parameters.create("norm.running_mean", "statistic", [4], normal(1))
  const before = [...mean.dataSync()]
  const asked = new AbortController()
  const task = {
    parameters,
    batchesPerEpoch: batches,
    async *batches(_, start, isOwn = () => true) {
      for (let batch = start; batch < batches; batch++) if (isOwn(batch) && !lost.includes(batch)) yield batch
    },
    next: (batch) => batch + 1,
    prepare: async (batch) => tf.tensor2d(rows[batch][0]),
    losses(inputs, batch, random) {
      batchesSeen.push(batch)
      if (stop?.batch === batch) asked.abort()
      mean.assign(tf.add(tf.mul(mean, 0.9), tf.mul(tf.mean(inputs, 0), 0.1)))
      const wanted = tf.add(tf.tensor2d(rows[batch][1]), random.normal() * (spoilt === batch ? Number.NaN : 0.1))
      return { fit: tf.mean(tf.square(tf.sub(tf.matMul(inputs, weight), wanted))) }
    },
    images: (batch) => [`picture ${batch}`],
    waited: () => 0,
    async validate(_, onImage, peers) {
      onImage?.(1, 1)
      const shares = (await peers?.exchange(`of ${rank}`)) ?? ["alone"]
      return { score: shares.length === addresses.length ? 0.5 : Number.NaN }
    },
  }
  try {
    return {
      ...{ ...(await run(task, { epochs, clipNorm }, asked.signal)), batchesSeen },
      weight: [...weight.dataSync()],
      mean: [...mean.dataSync()],
      before,
      batchMeans: rows.map(([inputs]) => [0, 1, 2, 3].map((k) => inputs.reduce((sum, row) => sum + row[k], 0) / 6)),
    }
  } catch (error) {
    return { error: `${error.name}: ${error.message}` }
  } finally {
    parameters.dispose()
  }
}

/** A network whose steps are recorded, and how often TensorFlow has run what was recorded. */
async function trainRecorded(make) {
  const task = make()
  const backend = tf.backend()
  const execute = backend.executeMultipleOutputs
  let functionsRun = 0
  backend.executeMultipleOutputs = function (name, ...others) {
    if (name.startsWith("resdet_")) functionsRun++
    return execute.call(this, name, ...others)
  }
  try {
    const end = await run(task, {}, new AbortController().signal)
    const weights = createHash("sha256")
    for (const { variable } of task.parameters) weights.update(variable.dataSync())
    return { ...end, weights: weights.digest("hex"), functionsRun }
  } finally {
    backend.executeMultipleOutputs = execute
    task.parameters.dispose()
  }
}

/** The same with every operation run by itself. */
async function withoutRecording(work) {
  process.env.RESDET_RECORD = "off"
  try {
    return await work()
  } finally {
    delete process.env.RESDET_RECORD
  }
}

async function run(task, { epochs = 2, clipNorm = 1 }, signal) {
  const options = {
    ...{ epochs, seed: 3, accumulate, sgd: sgdDefaults, clipNorm, validateEvery: 1, metric: "score", reportEvery: 1 },
    schedule: scheduleOptions({ base: 0.1, steps: 6, warmup: 2 }),
  }
  const told = []
  const events = {
    onStep: async ({ step, losses, gradNorm, rate }) => void told.push([step, losses, gradNorm, rate]),
    onEpoch: async (epoch, losses, metrics, { gradNorm, rate }) => void told.push([epoch, losses, metrics, gradNorm, rate]),
    onBest: async () => true,
    onSave: async ({ step }) => void told.push(`saved ${step}`),
  }
  const shared = cluster === undefined ? events : sharedEvents(cluster, rank === 0 ? events : undefined)
  const tensors = tf.memory().numTensors
  const { seconds: _, ...position } = await runTraining(task, options, shared, signal, undefined, cluster)
  return { position, told, left: tf.memory().numTensors - tensors }
}

const { classifier, detector } = recordedTasks(batches)
const isLate = cluster === undefined && addresses.length > 1
const results = isLate ? undefined : {
  whole: await train({}),
  lost: await train({ lost: [2, 3] }),
  one: await train({ epochs: 1, lost: [2, 3, 4], clipNorm: 1e9 }),
  spoilt: await train({ spoilt: 3 }),
  stopped: await train({ stop: { batch: 1 } }),
  recorded: { classifier: await trainRecorded(classifier), detector: await trainRecorded(detector) },
  eager: await withoutRecording(async () => {
    return { classifier: await trainRecorded(classifier), detector: await trainRecorded(detector) }
  }),
  shared: await cluster?.share(rank === 0 ? new Float32Array([1, -0, Number.NaN]).fill(7, 2) : undefined),
  texts: await cluster?.exchange("é".repeat(rank * 900)),
}
if (results !== undefined) process.stdout.write(`${JSON.stringify(results)}\n`)
// Another process is to be told why, or to find out.
if (rank === 1 && times.ending === "fail") await cluster.fail(new Error("the disk is full"))
if (rank === 1 && times.ending?.startsWith("SIG")) process.kill(process.pid, times.ending)
if (!isLate && times.ending !== undefined) {
  try {
    await cluster.exchange("still there")
  } catch (error) {
    tell(error)
  }
}
