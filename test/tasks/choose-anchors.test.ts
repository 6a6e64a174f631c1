import { expect, test } from "vitest"
import { datasetFromSamples } from "../../datasets/dataset-from-samples.js"
import { modelDefaults } from "../../src/detector/model.js"
import { chooseAnchors } from "../../src/tasks/training/choose-anchors.js"

const model = { ...modelDefaults, model: "fasterrcnn_resnet18_c4", size: 300, maxSize: 500 }

/** Photos of one box each, as wide as high. */
async function squares(side: number) {
  const image = { data: new Uint8Array(3 * 300 * 300), height: 300, width: 300 }
  const samples = [20, 60, 100].map((at) => ({ image, boxes: [[at, at, at + side, at + side]], labels: ["box"] }))
  return datasetFromSamples(samples, { classes: ["box"] })
}

async function choose(side: number, anchors?: "auto") {
  const lines: string[] = []
  const chosen = await chooseAnchors(model, await squares(side), anchors, { log: (line) => lines.push(line) })
  return { lines, chosen }
}

test("training says how well the anchors fit, and leaves them as they are", async () => {
  const { lines, chosen } = await choose(128)
  expect(chosen).toBe(model)
  expect(lines).toEqual([
    "anchors: sizes 32, 64, 128, 256, 512; ratios 0.5, 1, 2; best possible recall 100.0 % at IoU 0.5, 100.0 % at 0.7",
  ])
  expect((await choose(180)).lines[0]).toMatch(
    /100\.0 % at IoU 0\.5, 0\.0 % at 0\.7; --anchors auto looks for better ones$/,
  )
})

test("anchors that are asked for fit better, are as many, and are those of the model", async () => {
  const { lines, chosen } = await choose(180, "auto")
  expect(chosen.options.anchors.sizes).toContain(181)
  expect(chosen.options.anchors.sizes).toHaveLength(5)
  expect(lines[0]).toMatch(/100\.0 % at 0\.7; those before: 100\.0 % at IoU 0\.5, 0\.0 % at 0\.7$/)
})

test("objects smaller than a cell are counted, with the input at which fewer are", async () => {
  const { lines } = await choose(10)
  expect(lines[1]).toBe(
    "100.0 % of the objects are smaller than a cell of 16 pixels after resizing: --size 480 --max-size 800 makes that 0.0 %",
  )
})
