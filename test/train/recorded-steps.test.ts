import * as tf from "@tensorflow/tfjs-core"
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest"
import { findNative } from "../../src/engine/native/cache.js"
import { bf16Units } from "../../src/engine/precision.js"
import { mayRecord } from "../../src/engine/recorded.js"
import { startEngine } from "../../src/engine/start.js"
import { adamwDefaults, averageDefaults, type RateFactors } from "../../src/train/options.js"
import type { RunOptions } from "../../src/train/run-options.js"
import { onCudaBranch } from "../support/cuda-branch.js"
import { classifier, detector, kinds, localizer } from "../support/recorded-networks.js"
import { outcome } from "../support/recorded-training.js"

type Kind = keyof typeof kinds
const everyKind = Object.keys(kinds) as Kind[]

/** What a processor does not do otherwise. */
const ofPoints: Kind = "of two maps, as many points of each region, beside its whole image"

const lossOf = (told: unknown) => (told as { loss: number }[])[0]!.loss

/** Rounding is the same each time, and shows. */
async function expectRoundedDetector(): Promise<void> {
  const kind = "of one map, its norms trained"
  const [first, second] = [
    await outcome(detector(true, kind, "bf16"), {}),
    await outcome(detector(true, kind, "bf16"), {}),
  ]
  expect(second).toEqual(first)
  const exact = await outcome(detector(false, kind), {})
  expect(lossOf(first)).not.toBe(lossOf(exact))
  expect(lossOf(first)).toBeCloseTo(lossOf(exact), 1)
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

  it.each(everyKind.filter((kind) => kind !== ofPoints))(
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
    it("of a classifier is the same whenever it is made, and not float32's", async () => {
      const [first, second] = [
        await outcome(classifier(true, 0, "bf16"), {}),
        await outcome(classifier(true, 0, "bf16"), {}),
      ]
      expect(second).toEqual(first)
      const exact = await outcome(classifier(false), {})
      expect(lossOf(first)).not.toBe(lossOf(exact))
      expect(lossOf(first)).toBeCloseTo(lossOf(exact), 1)
    })

    it("of a detector is the same whenever it is made, and not float32's", expectRoundedDetector)
  })
})

onCudaBranch("a recorded step", () => {
  afterEach(() => vi.unstubAllEnvs())

  const eagerly = async (make: () => Promise<unknown>) => {
    vi.stubEnv("RESDET_RECORD", "off")
    const made = await make()
    vi.unstubAllEnvs()
    return made
  }

  it("of a classifier leaves the bits of one tape, with AdamW, rates of its own and gradients cut", async () => {
    const rates: RateFactors = ({ kind }) => (kind === "norm" ? 2 : 1)
    const overrides = { adamw: adamwDefaults, clipNorm: 0.1, rates }
    const eager = await eagerly(() => outcome(classifier(false), overrides))
    expect(await outcome(classifier(true), overrides)).toEqual(eager)
  })

  it.each(everyKind)("of a detector %s leaves the bits of one tape", async (kind) => {
    const eager = await eagerly(() => outcome(detector(false, kind), {}))
    expect(await outcome(detector(true, kind), {})).toEqual(eager)
  })

  it(
    "of a detector in bf16 is the same whenever it is made, and within bf16's error of float32's",
    expectRoundedDetector,
  )
})
