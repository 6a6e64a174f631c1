import { createHash } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { findNative } from "../../src/engine/native/cache.js"
import { bf16Units } from "../../src/engine/precision.js"
import { startEngine } from "../../src/engine/start.js"
import { adamwDefaults, averageDefaults } from "../../src/train/options.js"
import { runTraining } from "../../src/train/run.js"
import type { RunEvents } from "../../src/train/run-events.js"
import type { RunOptions } from "../../src/train/run-options.js"
import { loadState, type SavedState, saveState } from "../../src/train/state.js"
import { classifier, detector, type Made, shortRun, taskOf } from "../support/recorded-networks.js"

/**
 * Hashes of the files of the state that two epochs leave.
 * @param stopAfter so many steps; what goes on then is made anew, as in another process
 */
async function savedAfter<Prepared extends { dispose(): void }>(
  make: () => Made<Prepared>,
  overrides: Partial<RunOptions>,
  stopAfter?: number,
): Promise<Readonly<Record<string, string>>> {
  const run = mkdtempSync(join(tmpdir(), "resdet-recorded-"))
  const part = async (from?: SavedState) => {
    const made = make()
    if (from) made.parameters.restore(from.weights)
    const stop = new AbortController()
    const events: RunEvents = {
      onStep: async ({ step }) => (step === stopAfter && !from ? stop.abort() : undefined),
      onEpoch: async () => {},
      onBest: async () => true,
      onSave: async ({ seconds: _, ...position }, optimizer, average) => {
        saveState(run, position, made.parameters, optimizer, average)
      },
    }
    await runTraining(taskOf(made), { ...shortRun, epochs: 2, ...overrides }, events, stop.signal, from)
    made.parameters.dispose()
  }
  try {
    await part()
    if (stopAfter !== undefined) {
      expect(loadState(run).position.step).toBe(stopAfter)
      await part(loadState(run))
    }
    const files = readdirSync(join(run, "state")).map((name) => [name, readFileSync(join(run, "state", name))] as const)
    return Object.fromEntries(files.map(([name, bytes]) => [name, createHash("sha256").update(bytes).digest("hex")]))
  } finally {
    rmSync(run, { recursive: true })
  }
}

describe.runIf(findNative())("a run by recorded steps", () => {
  beforeAll(async () => {
    await startEngine("tensorflow")
  })

  // Eight of twelve steps: the function of one size of pictures has run, that of the other is not made yet.
  it("of a classifier goes on after a stop as if there had been none", async () => {
    const overrides = { adamw: adamwDefaults, average: averageDefaults }
    const make = () => classifier(true, 1)
    const whole = await savedAfter(make, overrides)
    expect(Object.keys(whole)).toEqual([
      "average.safetensors",
      "position.json",
      "velocities.safetensors",
      "weights.safetensors",
    ])
    expect(await savedAfter(make, overrides, 8)).toEqual(whole)
  })

  it("of a detector goes on after a stop as if there had been none", async () => {
    const make = () => detector(true, "of one map, its norms trained")
    expect(await savedAfter(make, {}, 8)).toEqual(await savedAfter(make, {}))
  })

  it.runIf(bf16Units().length > 0)(
    "of a classifier in bf16 goes on after a stop as if there had been none",
    async () => {
      const make = () => classifier(true, 0, "bf16")
      expect(await savedAfter(make, {}, 8)).toEqual(await savedAfter(make, {}))
    },
  )
})
