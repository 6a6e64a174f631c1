import { readFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, describe, expect, test } from "vitest"
import { type Depth, resNetSpec } from "../../src/backbone/architecture.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { adaptNorms } from "../../src/weights/norms.js"
import { expectClose } from "../support/close.js"
import { onEveryEngine } from "../support/engines.js"
import { madeUp, madeUpWeights } from "../support/made-up.js"

interface Sampled {
  readonly every: number
  readonly values: readonly number[]
}
interface GoldenCase {
  readonly depth: Depth
  readonly strideIn: "3x3" | "1x1"
  readonly conv4: Sampled & { readonly shape: readonly number[] }
  readonly logits: Sampled
}
const golden: { cases: GoldenCase[] } = JSON.parse(
  readFileSync(new URL("../golden/resnet.json", import.meta.url), "utf8"),
)

const sample = (values: tf.TypedArray, every: number) => Float32Array.from(values).filter((_, at) => at % every === 0)

const title = "resnet$depth with its stride in the $strideIn gives torchvision's conv4 and logits"
const isSmall = ({ depth, strideIn }: GoldenCase) => depth === 18 || strideIn === "1x1"

onEveryEngine("ResNet", () => {
  test.each(golden.cases.filter(isSmall))(title, compare)
})

describe("ResNet on the fastest engine", () => {
  beforeAll(() => startEngine())
  test.each(golden.cases.filter((expected) => !isSmall(expected)))(title, compare)
})

function compare({ depth, strideIn, conv4, logits }: GoldenCase): void {
  const spec = resNetSpec(depth, { strideIn })
  // Some run with their batch norms folded, so that both ways are compared.
  const norm = depth === 34 || strideIn === "1x1" ? "frozen" : "batch"
  const weights = adaptNorms(madeUpWeights(spec), () => norm)
  const parameters = new Parameters(seededRandom(0), weights)
  const network = new ResNet(new Scope(parameters), spec, { norm })
  expect([...parameters.initialised, ...parameters.unused()]).toEqual([])
  const pixels = madeUp("images", 2 * 3 * 65 * 97, (value) => 4 * value)
  tf.tidy(() => {
    const images: tf.Tensor4D = tf.transpose(tf.tensor4d(pixels, [2, 3, 65, 97]), [0, 2, 3, 1])
    const maps = network.stages(images)[2]!
    expect(maps.shape).toEqual(conv4.shape)
    expectClose(sample(maps.dataSync(), conv4.every), conv4.values, 1e-4)
    expectClose(sample(network.forward(images).dataSync(), logits.every), logits.values, 1e-4)
  })
  parameters.dispose()
}
