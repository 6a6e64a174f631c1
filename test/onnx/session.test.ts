import { expect, test } from "vitest"
import { runtimeOptions } from "../../src/onnx/session.js"

test("idle threads do not spin, however many there are", () => {
  const extra = { session: { intra_op: { allow_spinning: "0" } } }
  expect(runtimeOptions()).toEqual({ extra })
  expect(runtimeOptions({ threads: 3 })).toEqual({ extra, intraOpNumThreads: 3 })
})
