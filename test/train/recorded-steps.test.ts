import { createHash } from "node:crypto"
import * as tf from "@tensorflow/tfjs-core"
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { findNative } from "../../src/engine/native/cache.js"
import { bf16Units } from "../../src/engine/precision.js"
import { mayRecord } from "../../src/engine/recorded.js"
import { startEngine } from "../../src/engine/start.js"
import { adamwDefaults, averageDefaults } from "../../src/train/options.js"
import { runTraining } from "../../src/train/run.js"
import type { RunEvents } from "../../src/train/run-events.js"
import type { RunOptions } from "../../src/train/run-options.js"
import { classifier, detector, kinds, localizer, type Made, shortRun, taskOf } from "../support/recorded-networks.js"

/** What a run leaves: its weights, moments and means, and all that it told. */
async function outcome<Prepared extends { dispose(): void }>(
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

describe.runIf(findNative())("a recorded step", () => {
  beforeAll(async () => {
    await startEngine("tensorflow")
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  it.each<[string, number, Partial<RunOptions>]>([
    ["with SGD", 0, {}],
    ["with frozen layers and gradients cut", 2, { clipNorm: 0.1 }],
    [
      "with AdamW and running means, two batches a step",
      0,
      { adamw: adamwDefaults, accumulate: 2, average: averageDefaults },
    ],
  ])("of a classifier leaves the bits of one tape, %s", async (_, frozen, overrides) => {
    const [eager, recorded] = [
      await outcome(classifier(false, frozen), overrides),
      await outcome(classifier(true, frozen), overrides),
    ]
    expect(recorded).toEqual(eager)
  })

  it.each(Object.keys(kinds) as (keyof typeof kinds)[])(
    "of a detector %s leaves the bits of one tape",
    async (kind) => {
      expect(await outcome(detector(true, kind), {})).toEqual(await outcome(detector(false, kind), {}))
    },
  )

  it("of a detector takes two batches a step as one tape does", async () => {
    const kind = "of two maps, each region beside its whole image"
    expect(await outcome(detector(true, kind), { accumulate: 2 })).toEqual(
      await outcome(detector(false, kind), { accumulate: 2 }),
    )
  })

  // Two epochs, of which the first two steps of a shape run no function. The first stage's batches have four pairs of a crop and
  // a class, or eight with those that count nothing.
  it.each([
    ["rpn", 12 - 2 - 2],
    ["rcnn", 12 - 2],
  ] as const)("of a localizer's stage %s leaves the bits of one tape", async (stage, functionsRun) => {
    const eager = await outcome(localizer(false, stage), { epochs: 2 })
    const backend = tf.backend() as unknown as { executeMultipleOutputs(name: string): unknown }
    const run = vi.spyOn(backend, "executeMultipleOutputs")
    expect(await outcome(localizer(true, stage), { epochs: 2 })).toEqual(eager)
    expect(run.mock.calls.filter(([name]) => name.startsWith("resdet_"))).toHaveLength(functionsRun)
  })

  it("is not made with RESDET_RECORD=off", () => {
    expect(mayRecord()).toBe(true)
    vi.stubEnv("RESDET_RECORD", "off")
    expect(mayRecord()).toBe(false)
  })

  describe.runIf(bf16Units().length > 0)("in bf16", () => {
    const loss = (told: unknown) => (told as { loss: number }[])[0]!.loss

    it("of a classifier is the same whenever it is made, and not float32's", async () => {
      const [first, second] = [
        await outcome(classifier(true, 0, "bf16"), {}),
        await outcome(classifier(true, 0, "bf16"), {}),
      ]
      expect(second).toEqual(first)
      const exact = await outcome(classifier(false), {})
      expect(loss(first)).not.toBe(loss(exact))
      expect(loss(first)).toBeCloseTo(loss(exact), 1)
    })

    it("of a detector is the same whenever it is made, and not float32's", async () => {
      const kind = "of one map, its norms trained"
      const [first, second] = [
        await outcome(detector(true, kind, "bf16"), {}),
        await outcome(detector(true, kind, "bf16"), {}),
      ]
      expect(second).toEqual(first)
      const exact = await outcome(detector(false, kind), {})
      expect(loss(first)).not.toBe(loss(exact))
      expect(loss(first)).toBeCloseTo(loss(exact), 1)
    })
  })
})
