import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { ResNet } from "../../src/backbone/classifier.js"
import { type StatisticsBatch, setExactStatistics } from "../../src/classify/exact-statistics.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { convolution } from "../../src/engine/ops/convolution/convolution.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { tinyNetwork } from "../support/tiny-network.js"

const random = seededRandom(8)
/** Batches of different sizes about different means, so that a plain mean of their statistics would be wrong. */
const batches: StatisticsBatch[] = [3, 1, 2].map((count, b) => ({
  pixels: Float32Array.from({ length: count * 18 * 14 * 3 }, () => b + (1 + b) * random.normal()),
  shape: [count, 18, 14, 3],
}))

async function* given(): AsyncGenerator<StatisticsBatch> {
  yield* batches
}

function build() {
  const parameters = new Parameters(seededRandom(1))
  const network = new ResNet(new Scope(parameters), tinyNetwork, { classes: 3 })
  const values = (name: string) => parameters.get(name)!.variable.dataSync<"float32">()
  return { parameters, network, values }
}

/** Mean and unbiased variance of each channel over all maps, by the definition, in double precision. */
function direct(maps: readonly tf.Tensor4D[]): { mean: number[]; variance: number[] } {
  const channels = maps[0]!.shape[3]
  const data = maps.flatMap((map) => [...map.dataSync()])
  const columns = Array.from({ length: channels }, (_, c) => data.filter((_, i) => i % channels === c))
  const mean = columns.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length)
  const variance = columns.map(
    (values, c) => values.reduce((sum, value) => sum + (value - mean[c]!) ** 2, 0) / (values.length - 1),
  )
  return { mean, variance }
}

onEveryEngine("exact statistics", () => {
  test("are those of all the values a norm sees, in the first layer and behind others", async () => {
    const { parameters, network, values } = build()
    const seen = await setExactStatistics(network, parameters, given(), 6)
    expect(seen).toBe(6)
    const filter = (name: string) => parameters.get(name)!.variable as tf.Tensor4D
    const maps = batches.map(({ pixels, shape }) => {
      return convolution(tf.tensor4d(pixels, [...shape]), filter("conv1.weight"), null, { stride: 2, padding: 3 })
    })
    const first = direct(maps)
    expectClose(values("bn1.running_mean"), first.mean, 1e-4)
    expectClose(values("bn1.running_var"), first.variance, 1e-4)
    // Behind it, each batch is normalised by itself: scale 1 and offset 0 at the start.
    const second = direct(
      maps.map((map) => {
        const { mean, variance } = tf.moments(map, [0, 1, 2])
        const normal = tf.relu(tf.div(tf.sub(map, mean), tf.sqrt(tf.add(variance, 1e-5))))
        const pooled = tf.maxPool(
          tf.pad(normal as tf.Tensor4D, [
            [0, 0],
            [1, 1],
            [1, 1],
            [0, 0],
          ]),
          3,
          2,
          "valid",
        )
        return convolution(pooled, filter("layer1.0.conv1.weight"), null, { stride: 1, padding: 1 })
      }),
    )
    expectClose(values("layer1.0.bn1.running_mean"), second.mean, 1e-3)
    expectClose(values("layer1.0.bn1.running_var"), second.variance, 1e-3)
    expect(values("layer2.0.downsample.1.running_mean").some((value) => value !== 0)).toBe(true)
    parameters.dispose()
  })

  test("look at whole batches until there are enough images", async () => {
    const { parameters, network } = build()
    expect(await setExactStatistics(network, parameters, given(), 4)).toBe(4)
    expect(await setExactStatistics(network, parameters, given(), 1)).toBe(3)
    parameters.dispose()
  })

  test("are left as they were when the work is stopped, and no tensor stays behind", async () => {
    const { parameters, network, values } = build()
    const before = tf.memory().numTensors
    const stopped = AbortSignal.abort()
    await setExactStatistics(network, parameters, given(), 6, stopped)
    expect([...values("bn1.running_mean")]).toEqual(new Array(32).fill(0))
    await setExactStatistics(network, parameters, given(), 6)
    expect(tf.memory().numTensors).toBe(before)
    tf.tidy(() => network.train(tf.ones([1, 18, 14, 3])))
    expect(values("bn1.running_mean")[0]).not.toBe(0)
    parameters.dispose()
  })
})
