import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildLayers } from "../../src/detector/build.js"
import { mapSizes } from "../../src/detector/map-sizes.js"
import { modelDefaults } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"

beforeAll(async () => {
  await startEngine()
})

test.each(["fasterrcnn_resnet18_c4", "fasterrcnn_resnet18_fpn"])("%s has maps of the sizes foretold", (model) => {
  const config = { ...modelDefaults, model, norm: "group" } as const
  const { backbone } = buildLayers(new Parameters(seededRandom(0)), config, 1)
  const [height, width] = [96, 160]
  const maps = tf.tidy(() => {
    const levels = backbone.features(backbone.frozen!(tf.zeros([1, height, width, 3])))
    // The RPN's last level is made of the one before it.
    return levels.map(({ shape }) => [shape[1], shape[2]])
  })
  const sizes = mapSizes(config, [height, width])
  expect(sizes).toEqual(maps)
})
