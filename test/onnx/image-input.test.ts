import { expect, test } from "vitest"
import { resizeInto } from "../../datasets/image/resize.js"
import { inputSize, padTo } from "../../datasets/image/size.js"
import { sizeRules } from "../../src/core/size-rule.js"
import { Graph } from "../../src/onnx/graph.js"
import { imageInput } from "../../src/onnx/image-input.js"
import { expectClose } from "../support/close.js"
import { madeUp } from "../support/made-up.js"
import { noWeights, runModel, withOnnxRuntime } from "../support/onnx.js"

const input = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

/** Shorter side 40, longer side at most 70: enlarged, the same, reduced, held by the longer side, a single pixel. */
const photos = [
  [13, 17],
  [40, 64],
  [97, 131],
  [333, 90],
  [20, 300],
  [1, 1],
] as const

withOnnxRuntime("the graph of the image's way in", () => {
  test.each(photos)("resizes, normalises and pads %i x %i as images for training are", async (height, width) => {
    const graph = new Graph(noWeights)
    const { pixels, size, scale } = imageInput(graph, { size: 40, maxSize: 70, input })
    graph.output(pixels, { name: "pixels", type: "float32", shape: [1, 3, "h", "w"] })
    graph.output(size, { name: "size", type: "int64", shape: [2] })
    graph.output(graph.node("Cast", [scale], { to: 1 }), { name: "scale", type: "float32", shape: [4] })
    const image = Uint8Array.from(madeUp("photo", 3 * height * width, (value) => 255 * (value + 0.5)))
    const values = Float32Array.from({ length: image.length }, (_, at) => {
      return image[3 * (at % (height * width)) + Math.floor(at / (height * width))]! / 255
    })
    const found = await runModel(graph.model("input", {}), { image: { shape: [3, height, width], values } })

    const target = inputSize(height, width, { size: 40, maxSize: 70 })
    const [rows, columns] = [padTo(target.height, 32), padTo(target.width, 32)]
    const out = new Float32Array(rows * columns * 3)
    const place = { out, offset: 0, rowStride: 3 * columns, flip: false }
    resizeInto({ data: image, height, width }, { ...place, height: target.height, width: target.width, ...input })
    expect(found.pixels!.shape).toEqual([1, 3, rows, columns])
    const planes = found.pixels!.values as Float32Array
    const channelsLast = planes.map((_, at) => planes[(at % 3) * rows * columns + Math.floor(at / 3)]!)
    expectClose(channelsLast, out, 1e-6)
    expect([...found.size!.values].map(Number)).toEqual([target.height, target.width])
    expectClose(found.scale!.values as Float32Array, [target.scaleX, target.scaleY, target.scaleX, target.scaleY], 1e-6)
  })

  test.each(sizeRules)("sizes follow the rule %s", async (sizeRule) => {
    const options = { size: 400, maxSize: 667, sizeRule, input }
    const graph = new Graph(noWeights)
    graph.output(imageInput(graph, options).size, { name: "size", type: "int64", shape: [2] })
    const model = graph.model("input", {})
    for (const [height, width] of [...photos, [334, 500], [43, 100], [157, 43], [301, 502]] as const) {
      const values = new Float32Array(3 * height * width)
      const found = await runModel(model, { image: { shape: [3, height, width], values } })
      const target = inputSize(height, width, options)
      expect([...found.size!.values].map(Number)).toEqual([target.height, target.width])
    }
  })
})
