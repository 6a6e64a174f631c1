import * as tf from "@tensorflow/tfjs-core"
import { describe, expect, test } from "vitest"
import { hasOneDnn, isOnCuda } from "../../../src/engine/native/op.js"
import { asOnCuda, countTraffic } from "../../../src/engine/native/traffic.js"
import { startEngine } from "../../../src/engine/start.js"

const native = await startEngine("tensorflow").catch(() => undefined)

describe.runIf(native)("countTraffic", () => {
  test("sees operations with their types, what is sent and what is read", async () => {
    const { traffic, result } = await countTraffic(() =>
      tf.tidy(() => tf.matMul(tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([3, 4], [2, 1])).dataSync()[0]),
    )
    expect(result).toBe(11)
    expect(traffic).toEqual({
      operations: new Map([["BatchMatMulV2", 1]]),
      typed: new Set(["BatchMatMulV2 T=float32"]),
      read: [4],
      sent: [8, 8],
      calls: 4,
    })
  })

  test("stops counting when the work is done, or has failed", async () => {
    const backend = tf.backend() as unknown as { binding: object }
    const { binding } = backend
    await expect(
      countTraffic(() => {
        throw new Error("broken")
      }),
    ).rejects.toThrow("broken")
    expect(backend.binding).toBe(binding)
  })
})

describe.runIf(native)("asOnCuda", () => {
  test("takes the way of a GPU, for as long as the work lasts", async () => {
    const seen = () => ({ onCuda: isOnCuda(), oneDnn: hasOneDnn() })
    const before = seen()
    expect(await asOnCuda(seen)).toEqual({ onCuda: true, oneDnn: false })
    expect(seen()).toEqual(before)
  })
})
