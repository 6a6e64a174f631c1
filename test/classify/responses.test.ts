import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import type { NetworkSpec } from "../../src/backbone/architecture.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { ResponseMeter } from "../../src/classify/responses.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { batchNormEpsilon } from "../../src/engine/ops/batch-norm.js"
import type { LayerOutput } from "../../src/layers/observe.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { tinyNetwork } from "../support/tiny-network.js"

const layer = (conv: string, channels: number) =>
  ({ conv, norm: conv.replace("conv", "bn"), kernel: 3, stride: 1, in: channels, out: 1 }) as const

const oneBlock: NetworkSpec = {
  name: "one block",
  inputSize: [2, 2],
  classes: 2,
  stem: layer("conv1", 3),
  pool: false,
  stages: [[{ layers: [layer("conv1", 1), layer("conv2", 1)], shortcut: "identity" }]],
}

/** The middle of each filter passes its first channel on, times a factor; norms change nothing but by `offset`. */
function made(factors: Readonly<Record<string, number>>, offset: Readonly<Record<string, number>> = {}) {
  const middle = (channels: number, factor: number) =>
    Float32Array.from({ length: 9 * channels }, (_, i) => (i === 4 * channels ? factor : 0))
  const weights = new Map<string, { shape: number[]; values: Float32Array }>()
  for (const [conv, factor] of Object.entries(factors)) {
    const channels = conv === "conv1" ? 3 : 1
    weights.set(`${conv}.weight`, { shape: [3, 3, channels, 1], values: middle(channels, factor) })
    const norm = conv.replace(/conv(\d)$/, "bn$1")
    weights.set(`${norm}.running_var`, { shape: [1], values: Float32Array.of(1 - batchNormEpsilon) })
    weights.set(`${norm}.bias`, { shape: [1], values: Float32Array.of(offset[conv] ?? 0) })
  }
  const parameters = new Parameters(seededRandom(1), weights)
  return { parameters, network: new ResNet(new Scope(parameters), oneBlock) }
}

const values = { mean: [0, 0, 0], std: [1, 1, 1] } as const
const red = (value: number) => ({
  data: Uint8Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? value : 77)),
  height: 2,
  width: 2,
})

onEveryEngine("layer responses", () => {
  test("are deviations behind the norm, before ReLU and before the addition", async () => {
    const factors = { conv1: 1, "layer1.0.conv1": -2, "layer1.0.conv2": 5 }
    const { network, parameters } = made(factors, { "layer1.0.conv2": 3 })
    const meter = new ResponseMeter(network, values, { size: 2, resize: 2 })
    const before = tf.memory().numTensors
    await meter.add([red(0), red(255)])
    expect(tf.memory().numTensors).toBe(before)
    const responses = meter.responses()
    expect(responses.map(({ layer }) => layer)).toEqual(["conv1", "layer1.0.conv1", "layer1.0.conv2"])
    // Reds 0 and 1; times -2, which a ReLU would take away; and so nothing but the offset, without the shortcut's 0 and 1.
    expectClose(
      responses.map(({ deviation }) => deviation),
      [0.5, 1, 0],
      1e-6,
    )
    parameters.dispose()
  })

  test("are the same however images are put together", async () => {
    const { network, parameters } = made({ conv1: 1, "layer1.0.conv1": 1, "layer1.0.conv2": 1 })
    const images = [10, 250, 90, 40, 200].map(red)
    const measure = async (...parts: (typeof images)[]) => {
      const meter = new ResponseMeter(network, values, { size: 2, resize: 2 })
      for (const part of parts) await meter.add(part)
      return meter.responses().map(({ deviation }) => deviation)
    }
    const measured = [await measure(images), await measure(images.slice(0, 1), images.slice(1, 4), images.slice(4))]
    const reds = [10, 250, 90, 40, 200].map((value) => value / 255)
    const mean = reds.reduce((a, b) => a + b) / 5
    const deviation = Math.sqrt(reds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5)
    expectClose(measured[0]!, [deviation, deviation, deviation], 1e-5)
    expectClose(measured[1]!, measured[0]!, 1e-5)
    parameters.dispose()
  })

  test("are of the 3x3 layers alone, and watching changes nothing", async () => {
    const parameters = new Parameters(seededRandom(2))
    const network = new ResNet(new Scope(parameters), tinyNetwork, { classes: 2 })
    const meter = new ResponseMeter(network, values, { size: 32, resize: 32 })
    await meter.add([{ data: new Uint8Array(3 * 32 * 32).map((_, i) => (i * 7919) % 256), height: 32, width: 32 }])
    expect(meter.responses().map(({ layer }) => layer)).toEqual(["layer1.0.conv1", "layer1.0.conv2", "layer2.0.conv2"])
    tf.tidy(() => {
      const x: tf.Tensor4D = tf.randomNormal([1, 32, 32, 3], 0, 1, "float32", 1)
      const seen: LayerOutput<tf.Tensor>[] = []
      const maps = network.observe(x, (output) => seen.push(output)).at(-1)!
      expectClose(maps.dataSync(), network.stages(x).at(-1)!.dataSync())
      expect(seen.map(({ name, kernel }) => `${name} ${kernel}`)).toEqual([
        "conv1 7",
        "layer1.0.conv1 3",
        "layer1.0.conv2 3",
        "layer2.0.conv1 1",
        "layer2.0.conv2 3",
        "layer2.0.conv3 1",
        "layer2.0.downsample.0 1",
      ])
    })
    parameters.dispose()
  })
})
