import { expect, test } from "vitest"
import { modelDefaults } from "../../src/detector/model.js"
import { withOverrides } from "../../src/detector/options.js"
import { batchSize } from "../../src/tasks/training/batch-size.js"

const sized = (images: number, model: string, regions: number) => {
  const options = withOverrides(modelDefaults.options, { roi: { sample: { batchSizePerImage: regions } } })
  return batchSize({ shape: [images, 800, 1088, 3] }, { model, options })
}

test("what does not fit loses images first, then regions where conv5 runs on each, then size", () => {
  expect(sized(4, "fasterrcnn_resnet50_c4", 512)).toEqual({
    is: "a batch of 4 images of 1088x800 pixels and 512 regions each",
    lower: "--batch to 2, with --accumulate 2 for the same steps",
  })
  expect(sized(1, "fasterrcnn_resnet50_c4", 512).lower).toBe(
    "the regions: --set detector.roi.sample.batchSizePerImage=256",
  )
  expect(sized(1, "fasterrcnn_resnet50_c4", 64).lower).toBe("--size, now 800")
  expect(sized(1, "fasterrcnn_resnet50_fpn", 512).lower).toBe("--size, now 800")
})
