import { afterAll, beforeAll, expect, test } from "vitest"
import { resNetSpec } from "../../src/backbone/architecture.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildLayers } from "../../src/detector/build.js"
import { modelDefaults } from "../../src/detector/model.js"
import { startEngine } from "../../src/engine/start.js"
import { expectedShapes } from "../../src/weights/expected.js"
import { detectorName } from "../../src/weights/names.js"

const built: Parameters[] = []
beforeAll(() => startEngine())
afterAll(() => {
  for (const parameters of built) parameters.dispose()
})

test.each(["c4", "dc5", "fpn", "fpn_v2"])(
  "every layer of a plain ResNet's file has its place in a %s detector",
  (kind) => {
    const model = `fasterrcnn_resnet18_${kind}`
    const parameters = new Parameters(seededRandom(1))
    built.push(parameters)
    buildLayers(parameters, { ...modelDefaults, model, norm: "group" }, 2)
    const learned = [...expectedShapes(resNetSpec(18), 1000)].filter(([name]) => !/^fc\.|running/.test(name))
    const rename = detectorName(model)
    const places = learned.map(([name, shape]) => [name, shape, parameters.get(rename(name))?.variable.shape])
    expect(places.filter(([, shape, found]) => String(shape) !== String(found))).toEqual([])
    const own = [...parameters].map(({ name }) => rename(name))
    expect(own).toEqual([...parameters].map(({ name }) => name))
  },
)
