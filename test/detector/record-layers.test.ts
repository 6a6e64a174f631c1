import * as tf from "@tensorflow/tfjs-core"
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { createBackbone } from "../../src/backbone/backbone.js"
import { Parameters, type Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn, buildLayers } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { recordLayers } from "../../src/detector/record-layers.js"
import { findNative } from "../../src/engine/native/cache.js"
import { bf16Units } from "../../src/engine/precision.js"
import { startEngine } from "../../src/engine/start.js"
import { plainBackbone } from "../support/own-backbones.js"

const configOf = (model: string) => {
  const { options } = preset(model.endsWith("fpn") ? "torchvision" : "light", model)
  const align = { ...options.align, size: 2 }
  return { ...modelDefaults, model, size: 64, maxSize: 128, options: { ...options, align } }
}
const photo = (seed: number) => tf.randomUniform<tf.Rank.R4>([1, 64, 96, 3], -1, 1, "float32", seed)

describe.runIf(findNative())("a detector whose layers are recorded", () => {
  beforeAll(async () => {
    await startEngine("tensorflow")
  })
  afterEach(() => vi.unstubAllEnvs())

  it.each(["fasterrcnn_resnet18_c4", "fasterrcnn_resnet18_fpn"])(
    "as %s finds the same to the last bit",
    async (model) => {
      const parameters = new Parameters(seededRandom(1))
      const recording = buildFasterRcnn(parameters, configOf(model), 2)
      const find = async (detector: typeof recording, seed: number) => {
        const x = photo(seed)
        const [found] = await detector.detect(x, [[64, 96]], { score: 0 })
        x.dispose()
        return found!
      }
      // The first two photos are seen eagerly, the second is recorded meanwhile.
      const all = []
      for (const seed of [1, 2, 3, 4]) all.push(await find(recording, seed))
      vi.stubEnv("RESDET_RECORD", "off")
      const same = new Parameters(seededRandom(1))
      const eager = buildFasterRcnn(same, configOf(model), 2)
      for (const [i, found] of all.entries()) expect(found).toEqual(await find(eager, i + 1))
      expect(all[3]!.scores.length).toBeGreaterThan(5)
      parameters.dispose()
      same.dispose()
    },
  )

  it("in bf16 takes a backbone that is described alone", () => {
    const config = { ...configOf("fasterrcnn_resnet18_c4"), model: "own" }
    const own = (scope: Scope) => createBackbone(scope, plainBackbone())
    const build = () => buildFasterRcnn(new Parameters(seededRandom(1)), config, 2, own, "bf16")
    expect(build).toThrow("--precision bf16 takes a backbone that is described with Ops, got a function")
  })

  it.runIf(bf16Units().length > 0)("in bf16 says of each region what it says of it among others, also of none", () => {
    const parameters = new Parameters(seededRandom(1))
    const { boxHead, predictor } = recordLayers(buildLayers(parameters, configOf("fasterrcnn_resnet18_fpn"), 2), "bf16")
    const pooled = tf.randomUniform<tf.Rank.R4>([130, 2, 2, 256], 0, 1, "float32", 1)
    const logitsOf = (regions: tf.Tensor4D) => predictor.apply(boxHead.apply(regions)).logits
    tf.tidy(() => {
      const all = logitsOf(pooled)
      expect(all.shape).toEqual([130, 3])
      for (const count of [0, 1, 129]) {
        const some = logitsOf(tf.slice(pooled, 0, count))
        expect(some.shape).toEqual([count, 3])
        expect(some.dataSync()).toEqual(tf.slice(all, 0, count).dataSync())
      }
    })
    pooled.dispose()
    parameters.dispose()
  })
})
