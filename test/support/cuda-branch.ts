import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, describe } from "vitest"
import { startEngine } from "../../src/engine/start.js"

const native = await startEngine("tensorflow").catch(() => undefined)

/**
 * Runs tests on native TensorFlow's processor the way that a GPU takes: what differs from a processor's way is asked of
 * TensorFlow's backend, which says here that it computes on a GPU. Skipped without native TensorFlow.
 */
export function onCudaBranch(name: string, tests: () => void): void {
  describe.runIf(native)(`${name} on tensorflow, as on a GPU`, () => {
    let backend: { isUsingGpuDevice: boolean }
    let before: boolean
    beforeAll(async () => {
      await startEngine("tensorflow")
      backend = tf.backend() as unknown as typeof backend
      before = backend.isUsingGpuDevice
      backend.isUsingGpuDevice = true
    })
    afterAll(() => {
      backend.isUsingGpuDevice = before
    })
    tests()
  })
}
