import { createHash } from "node:crypto"
import * as tf from "@tensorflow/tfjs-core"
import { expect } from "vitest"
import { runTraining } from "../../src/train/run.js"
import type { RunEvents } from "../../src/train/run-events.js"
import type { RunOptions } from "../../src/train/run-options.js"
import { type Made, shortRun, taskOf } from "./recorded-networks.js"

/** What six steps of training leave: its weights, moments and means, and all that it told. */
export async function outcome<Prepared extends { dispose(): void }>(
  made: Made<Prepared>,
  overrides: Partial<RunOptions>,
): Promise<unknown> {
  const { parameters } = made
  const told: unknown[] = []
  const values = (tensors: Iterable<tf.Tensor>) =>
    Array.from(tensors, (tensor) => createHash("sha256").update(tensor.dataSync<"float32">()).digest("hex"))
  const events: RunEvents = {
    onStep: async ({ losses }) => void told.push(losses),
    onEpoch: async () => {},
    onBest: async () => true,
    onSave: async (_, optimizer, average) => {
      told.push(values(optimizer.moments.values()), values(average?.means.values() ?? []))
    },
  }
  const before = tf.memory().numTensors
  await runTraining(taskOf(made), { ...shortRun, ...overrides }, events, new AbortController().signal)
  expect(tf.memory().numTensors).toBe(before)
  told.push(values([...parameters].map(({ variable }) => variable)))
  parameters.dispose()
  return told
}
