import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import type { CifarSet } from "../../datasets/cifar.js"
import type { LabelledSet } from "../../datasets/labelled-set.js"
import { type ClassificationBatch, classificationLoader } from "../../datasets/loader/classification-loader.js"
import type { Loaded } from "../../datasets/loader/loader.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { makeScorer, type Scorer } from "../../src/classify/scorer.js"
import { type ClassifierCheck, classificationTask, classifierErrors } from "../../src/classify/task.js"
import { DataError } from "../../src/core/errors.js"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { sgdDefaults } from "../../src/train/options.js"
import type { StepReport } from "../../src/train/report-window.js"
import { runTraining } from "../../src/train/run.js"
import type { RunEvents } from "../../src/train/run-events.js"
import { type RunPosition, runStart } from "../../src/train/run-position.js"
import { scheduleOptions } from "../../src/train/schedule.js"
import { loadState, saveState } from "../../src/train/state.js"
import { expectClose } from "../support/close.js"
import { hasWebGpu, wasmAndWebGpu } from "../support/engines.js"
import { colouredPictures } from "../support/made-up-pictures.js"
import { tinyNetwork } from "../support/tiny-network.js"

beforeAll(async () => {
  await startEngine()
})

const set = colouredPictures(24, 8)
const shared = { batchSize: 6, size: 8, shorter: [8, 8], padding: 1 } as const

/** A scorer of the network as `classify eval` has it: pictures of 8 pixels, whole. */
function check(network: ResNet, parameters: Parameters, set: CifarSet): ClassifierCheck {
  const config = { network: "cifar_resnet20", options: {}, size: 8, ...imageNet }
  return { set, scorer: makeScorer([{ network, parameters, config, classes: set.classes, training: {} }]) }
}

function build(statisticsImages: number) {
  const parameters = new Parameters(seededRandom(1))
  const network = new ResNet(new Scope(parameters), tinyNetwork, { classes: 3 })
  const data = {
    training: classificationLoader(set, shared),
    validation: check(network, parameters, colouredPictures(7, 8, 9)),
    name: set.name,
  }
  return { parameters, network, task: classificationTask(network, parameters, data, { statisticsImages }) }
}

const quiet: RunEvents = {
  onStep: async () => {},
  onEpoch: async () => {},
  onBest: async () => true,
  onSave: async () => {},
}
const options = {
  ...{ epochs: 4, seed: 3, sgd: sgdDefaults, clipNorm: Number.POSITIVE_INFINITY },
  ...{ validateEvery: 1, metric: "accuracy", reportEvery: 1 },
  schedule: scheduleOptions({ base: 0.05, steps: 16, warmup: 0, startRate: 0.02, startError: 0.97 }),
}

test("a tiny network learns to tell colours apart; each step tells its training error", async () => {
  const { parameters, network, task } = build(24)
  const errors: number[] = []
  const rates: number[] = []
  const events: RunEvents = {
    ...quiet,
    onStep: async ({ losses, rate }) => {
      errors.push(losses.train_error!)
      rates.push(rate)
    },
  }
  const end = await runTraining(task, options, events, new AbortController().signal)
  expect(end).toMatchObject({ epoch: 4, step: 16, schedule: { started: true } })
  expect(rates[0]).toBe(0.02)
  expect(Math.max(...rates)).toBe(0.05)
  expect(errors.every((error) => [0, 1, 2, 3, 4, 5, 6].some((wrong) => Math.abs(error - wrong / 6) < 1e-9))).toBe(true)
  expect(errors.at(-1)).toBe(0)
  const checked = check(network, parameters, colouredPictures(9, 8, 5))
  expect(await classifierErrors(checked)).toEqual({ accuracy: 1, top1_error: 0, top5_error: 0 })
  parameters.dispose()
})

test("a run that is stopped while it computes statistics, and goes on, ends like one that was not", async () => {
  const bits = (parameters: Parameters) => [...parameters].map(({ variable }) => [...variable.dataSync()])
  const two = { ...options, epochs: 1 }
  const whole = build(24)
  await runTraining(whole.task, two, quiet, new AbortController().signal)

  const broken = build(24)
  const stopper = new AbortController()
  let [saved, moments]: [RunPosition, Map<string, Float32Array>] = [runStart, new Map()]
  const events: RunEvents = {
    ...quiet,
    onBest: async () => true,
    onSave: async (position, optimizer) => {
      saved = position
      moments = new Map([...optimizer.moments].map(([name, tensor]) => [name, tensor.dataSync<"float32">()]))
    },
  }
  const { finish } = broken.task
  const task = {
    ...broken.task,
    finish: (signal: AbortSignal) => {
      stopper.abort()
      return finish!(signal)
    },
  }
  await runTraining(task, two, events, stopper.signal)
  expect(saved).toMatchObject({ epoch: 0, batch: 4, step: 4 })
  const running = broken.parameters.get("bn1.running_mean")!.variable.dataSync()
  expect([...running]).not.toEqual([...whole.parameters.get("bn1.running_mean")!.variable.dataSync()])
  await runTraining(broken.task, two, quiet, new AbortController().signal, { position: saved, moments })
  expect(bits(broken.parameters)).toEqual(bits(whole.parameters))
})

test("what the schedule has learnt is saved with a run and goes on with it", async () => {
  const run = mkdtempSync(join(tmpdir(), "resdet-task-"))
  onTestFinished(() => rmSync(run, { recursive: true }))
  const careful = { ...options, schedule: { ...options.schedule, shape: "plateau", patience: 1 } as const }
  const rates: number[] = []
  const keeping = (events: RunEvents) => ({ ...events, onStep: async (r: StepReport) => void rates.push(r.rate) })
  const whole = build(0)
  await runTraining(whole.task, careful, keeping(quiet), new AbortController().signal)
  const through = rates.splice(0)
  expect(new Set(through).size).toBeGreaterThan(2)

  const stopper = new AbortController()
  const broken = build(0)
  const events: RunEvents = {
    onStep: async ({ step, rate }) => {
      rates.push(rate)
      if (step === 14) stopper.abort()
    },
    onEpoch: async () => {},
    onBest: async () => true,
    onSave: async (position, optimizer) => saveState(run, position, broken.parameters, optimizer),
  }
  await runTraining(broken.task, careful, events, stopper.signal)
  const { position, moments } = loadState(run)
  await runTraining(broken.task, careful, keeping(quiet), new AbortController().signal, { position, moments })
  expect(rates).toEqual(through)
  for (const made of [whole, broken]) made.parameters.dispose()
})

test("parts that do not learn keep every bit, statistics too, and are run outside the tape", async () => {
  const parameters = new Parameters(seededRandom(1))
  const network = new ResNet(new Scope(parameters), tinyNetwork, { classes: 3, frozen: 2 })
  const data = { training: classificationLoader(set, shared), name: set.name }
  const task = classificationTask(network, parameters, data, { statisticsImages: 24 })
  const bits = () => new Map([...parameters].map(({ name, variable }) => [name, [...variable.dataSync()].join()]))
  const before = bits()
  await runTraining(task, { ...options, epochs: 1 }, quiet, new AbortController().signal)
  const after = bits()
  const changed = [...before].filter(([name, values]) => after.get(name) !== values).map(([name]) => name)
  expect(
    [...before.keys()].filter((name) => !changed.includes(name)).every((name) => /^(conv1|bn1|layer1)\./.test(name)),
  ).toBe(true)
  expect(changed.some((name) => /^(conv1|bn1|layer1)\./.test(name))).toBe(false)
  expect(changed).toContain("layer2.0.bn1.running_mean")
  const batch = { pixels: new Float32Array(192), shape: [1, 8, 8, 3] } as unknown as Loaded<ClassificationBatch>
  const stem = await task.prepare(batch)
  expect(stem.shape).toEqual([1, 2, 2, 32])
  stem.dispose()
  parameters.dispose()
})

test("moving averages stay when no images are given for statistics, and no tensor is left behind", async () => {
  const { parameters, task } = build(0)
  expect(task.finish).toBeUndefined()
  const counts: number[] = []
  const count = async () => void counts.push(tf.memory().numTensors)
  await runTraining(task, { ...options, epochs: 1 }, { ...quiet, onStep: count }, new AbortController().signal)
  expect(new Set(counts).size).toBe(1)
  parameters.dispose()
})

test("errors are counted over the images that can be read; the others are told", async () => {
  const classes = ["a", "b", "c", "d", "e", "f"]
  const labels = Int32Array.of(1, 1, 5, 0, 0, 0, 1, 0)
  const set: LabelledSet = {
    ...{ ...colouredPictures(8, 8), classes, labels },
    image: async (n) => {
      if (n === 7) throw new DataError("picture 7: broken")
      return { data: new Uint8Array(3), height: 1, width: 1 }
    },
  }
  // Whatever it sees is of class 1; ties go to the lower class, so that class 5 alone stands behind five others.
  const score: Scorer["score"] = async (images) => Float32Array.from(images.flatMap(() => [0, 1, 0, 0, 0, 0]))
  const unread: string[] = []
  const onUnread = ({ message }: { message: string }) => unread.push(message)
  const errors = await classifierErrors({ set, scorer: { classes, isNumbered: false, score, dispose() {} }, onUnread })
  expect(errors.top1_error).toBeCloseTo(4 / 7, 12)
  expect(errors.accuracy).toBeCloseTo(3 / 7, 12)
  expect(errors.top5_error).toBeCloseTo(1 / 7, 12)
  expect(unread).toEqual(["picture 7: broken"])
})

describe.skipIf(!(await hasWebGpu()))("on a GPU behind WebGPU", () => {
  afterAll(() => startEngine())

  test("a run with exact statistics and validation ends as on WebAssembly", async () => {
    const { expected, actual } = await wasmAndWebGpu(async () => {
      const { parameters, task } = build(24)
      const told: Record<string, number>[] = []
      const events: RunEvents = {
        ...quiet,
        onStep: async ({ losses }) => void told.push(losses),
        onEpoch: async (_, losses, metrics) => void told.push({ ...losses, ...metrics }),
      }
      await runTraining(task, { ...options, epochs: 1 }, events, new AbortController().signal)
      const values = [...parameters].flatMap(({ variable }) => [...variable.dataSync()])
      parameters.dispose()
      return { told, values }
    })
    expect(expected.told).toHaveLength(5)
    for (const [i, figures] of expected.told.entries()) {
      for (const [name, value] of Object.entries(figures)) expect(actual.told[i]![name], name).toBeCloseTo(value, 3)
    }
    expectClose(actual.values, expected.values, 1e-3)
  })
})
