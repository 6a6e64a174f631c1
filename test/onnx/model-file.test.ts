import { expect, test } from "vitest"
import { encodeModel } from "../../src/onnx/encode-model.js"
import type { OnnxModel } from "../../src/onnx/model.js"
import { constantsToInputs, readMetadata } from "../../src/onnx/read-model.js"
import { openSession } from "../../src/onnx/session.js"
import { withOnnxRuntime } from "../support/onnx.js"

const added = { name: "added", type: "float32", shape: [1] } as const
const factors = new Float32Array([2, 3])

/** y = x * factors + added */
const model: OnnxModel = {
  name: "line",
  inputs: [{ name: "x", type: "float32", shape: ["rows", 2] }],
  outputs: [{ name: "y", type: "float32", shape: ["rows", 2] }],
  constants: new Map([
    ["factors", { shape: [2], values: factors }],
    ["added", { shape: [1], values: Float32Array.of(10) }],
  ]),
  nodes: [
    { op: "Mul", inputs: ["x", "factors"], outputs: ["product"], attributes: {} },
    { op: "Add", inputs: ["product", "added"], outputs: ["y"], attributes: {} },
  ],
  metadata: { names: '["Katze","größer"]', empty: "" },
}
const x = { shape: [2, 2], values: Float32Array.of(1, 1, 4, 5) }

test("metadata come back from the file, in every alphabet", () => {
  expect(readMetadata(Buffer.concat(encodeModel(model)))).toEqual(model.metadata)
})

test("constants are written without a copy", () => {
  expect(encodeModel(model).some(({ buffer }) => buffer === factors.buffer)).toBe(true)
})

test("a file that is cut off is refused", () => {
  const bytes = Buffer.concat(encodeModel(model))
  expect(() => readMetadata(bytes.subarray(0, bytes.length - 3))).toThrow()
  expect(() => readMetadata(bytes.subarray(0, 0))).toThrow("it has no graph")
})

withOnnxRuntime("ONNX Runtime", () => {
  test("computes what a written model says, for any number of rows", async () => {
    const session = await openSession(Buffer.concat(encodeModel(model)))
    expect([...(await session.run({ x })).y!.values]).toEqual([12, 13, 18, 25])
    const none = await session.run({ x: { shape: [0, 2], values: new Float32Array(0) } })
    expect(none.y!.shape).toEqual([0, 2])
    session.dispose()
  })

  test("asks for a constant that was made an input", async () => {
    const pieces = constantsToInputs(Buffer.concat(encodeModel(model)), [added])
    const session = await openSession(Buffer.concat(pieces))
    const { y } = await session.run({ x, added: { shape: [1], values: Float32Array.of(-1) } })
    expect([...y!.values]).toEqual([1, 2, 7, 14])
    await expect(session.run({ x })).rejects.toThrow(/added/)
    session.dispose()
  })
})
