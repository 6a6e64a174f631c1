import * as tf from "@tensorflow/tfjs-core"
import { describe, expect, test } from "vitest"
import { awaitReadback } from "../../../src/engine/readback.js"
import { startEngine } from "../../../src/engine/start.js"
import { type BufferStore, BufferTrimmer } from "../../../src/engine/webgpu/memory.js"
import { hasWebGpu } from "../../support/engines.js"

const megabyte = 2 ** 20

/** A store as the backend's: what is released stays for the next of its size. */
function store() {
  const destroyed: number[] = []
  const made: BufferStore & { release(buffer: { size: number }): void; numBytesUsed: number } = {
    freeBuffers: new Map(),
    numBytesUsed: 0,
    numBytesAllocated: 0,
    numFreeBuffers: 0,
    acquireBuffer(size, usage) {
      made.numBytesUsed += size
      const held = made.freeBuffers.get(`${size}_${usage}`)?.pop()
      if (held) made.numFreeBuffers--
      else made.numBytesAllocated += size
      return held ?? { size, destroy: () => void destroyed.push(size / megabyte) }
    },
    release(buffer) {
      const key = `${buffer.size}_1`
      made.numBytesUsed -= buffer.size
      made.numFreeBuffers++
      made.freeBuffers.set(key, [...(made.freeBuffers.get(key) ?? []), buffer as never])
    },
  }
  return { made, destroyed }
}

test("what was not asked for in sixteen turns is let go of, once more than 256 MB lie unused", () => {
  const { made, destroyed } = store()
  const trimmer = new BufferTrimmer(made)
  for (const size of [200, 100]) made.release(made.acquireBuffer(size * megabyte, 1))
  for (let turn = 0; turn < 16; turn++) {
    // The smaller one is used all the time.
    made.release(made.acquireBuffer(100 * megabyte, 1))
    trimmer.turn()
    expect(destroyed).toEqual([])
  }
  trimmer.turn()
  expect(destroyed).toEqual([200])
  expect(made).toMatchObject({ numBytesAllocated: 100 * megabyte, numFreeBuffers: 1 })
  for (let turn = 0; turn < 40; turn++) trimmer.turn()
  expect(destroyed).toEqual([200])
})

describe.skipIf(!(await hasWebGpu()))("on a GPU behind WebGPU", () => {
  test("tensors of ever new sizes do not fill its memory", { timeout: 120_000 }, async () => {
    await startEngine("webgpu")
    const bytes = () => (tf.memory() as { numBytesAllocatedInGPU?: number }).numBytesAllocatedInGPU!
    const most: number[] = []
    for (let turn = 0; turn < 90; turn++) {
      const found = tf.tidy(() => tf.slice(tf.fill([4 * megabyte + turn], turn), [7], [1]))
      await awaitReadback([found])
      expect(found.dataSync()[0]).toBe(turn)
      found.dispose()
      most.push(bytes())
    }
    // 90 tensors of 16 MB are 1.4 GB.
    expect(Math.max(...most)).toBeLessThan(650 * megabyte)
    expect(Math.max(...most.slice(60))).toBeLessThanOrEqual(1.1 * Math.max(...most.slice(0, 60)))
  })
})
