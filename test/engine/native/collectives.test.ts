import * as tf from "@tensorflow/tfjs-core"
import { describe, expect, test } from "vitest"
import { Collectives } from "../../../src/engine/native/collectives.js"
import { asOnCuda } from "../../../src/engine/native/traffic.js"
import { startEngine } from "../../../src/engine/start.js"

const native = await startEngine("tensorflow").catch(() => undefined)

interface Backend {
  binding: object
  getInputTensorIds(tensors: tf.Tensor[]): number[]
}

/** What the addon is asked for by `work`, whose sums it refuses. */
async function askedFor(work: () => Promise<unknown>): Promise<unknown[]> {
  const backend = tf.backend() as unknown as Backend
  const real = backend.binding
  const asked: unknown[] = []
  const addTensors = (...given: unknown[]) => {
    asked.push(given)
    return Promise.reject(new Error("no cluster"))
  }
  // Around nothing: the addon's own properties cannot be shown otherwise than they are.
  backend.binding = new Proxy({}, { get: (_, key) => (key === "addTensors" ? addTensors : Reflect.get(real, key)) })
  try {
    await expect(work()).rejects.toThrow("no cluster")
    return asked
  } finally {
    backend.binding = real
  }
}

describe.runIf(native)("sums over processes", () => {
  const sum = async () => {
    const tensors = { a: tf.ones([3]), b: tf.ones([2, 2]) }
    await new Collectives(2).sum(tensors).finally(() => tf.dispose(tensors))
  }
  const call = (hint: string) => [[expect.any(Number)], 2, 1, 1800, hint]

  test("are NCCL's where processes compute on GPUs, and TensorFlow's choice elsewhere", async () => {
    const before = tf.memory().numTensors
    expect(await askedFor(sum)).toEqual([call("auto")])
    expect(await askedFor(() => asOnCuda(sum))).toEqual([call("nccl")])
    expect(tf.memory().numTensors).toBe(before)
  })
})
