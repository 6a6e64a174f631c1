// One of several processes that train a linear model together; test/train/together.test.ts starts it.
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

async function train({ epochs = 2, lost = [], spoilt, stop, clipNorm = 1, batchesSeen = [] }) {
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
    describe: (batch) => `picture ${batch}`,
    waited: () => 0,
    async validate(_, onImage, peers) {
      onImage?.(1, 1)
      const shares = (await peers?.exchange(`of ${rank}`)) ?? ["alone"]
      return { score: shares.length === addresses.length ? 0.5 : Number.NaN }
    },
  }
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
  try {
    const end = await runTraining(task, options, shared, asked.signal, undefined, cluster)
    const { seconds: _, ...position } = end
    return {
      ...{ position, told, batchesSeen, left: tf.memory().numTensors - tensors },
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

const isLate = cluster === undefined && addresses.length > 1
const results = isLate ? undefined : {
  whole: await train({}),
  lost: await train({ lost: [2, 3] }),
  one: await train({ epochs: 1, lost: [2, 3, 4], clipNorm: 1e9 }),
  spoilt: await train({ spoilt: 3 }),
  stopped: await train({ stop: { batch: 1 } }),
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
