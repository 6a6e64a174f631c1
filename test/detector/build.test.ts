import { expect, test } from "vitest"
import { buildParts, detectorOptions } from "../../src/detector/build.js"
import { backboneDepth, isPyramid, modelDefaults, modelNames } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { Parameters } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"

test("every depth has a C4 and a pyramid detector, by torchvision's names", () => {
  expect(modelNames).toHaveLength(10)
  expect(backboneDepth("fasterrcnn_resnet50_fpn")).toBe(50)
  expect(modelNames.filter(isPyramid)).toHaveLength(5)
  expect(() => backboneDepth("fasterrcnn_resnet50_fpm")).toThrow('Did you mean "fasterrcnn_resnet50_fpn"?')
})

test("a pyramid's stride follows from the network, a C4 detector's is as configured", () => {
  const { options } = preset("torchvision")
  const strideOf = (model: string) => detectorOptions({ ...modelDefaults, model, options }).anchors.stride
  expect(strideOf("fasterrcnn_resnet18_fpn")).toBe(4)
  expect(strideOf("fasterrcnn_resnet18_c4")).toBe(16)
})

test("a pyramid with other than one anchor size a level is refused", () => {
  const { options } = preset("paper")
  const build = () => buildParts(new Parameters(seededRandom(1)), { ...modelDefaults, model, options }, 2)
  const model = "fasterrcnn_resnet18_fpn"
  expect(build).toThrow(
    "fasterrcnn_resnet18_fpn: expected 5 detector.anchors.sizes, one for each level of the pyramid, got 128, 256, 512",
  )
})
