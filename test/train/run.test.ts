import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, onTestFinished, test } from "vitest"
import { DivergedError } from "../../src/core/errors.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import type { TrainingBatch } from "../../src/detector/faster-rcnn.js"
import { startEngine } from "../../src/engine/start.js"
import { averageDefaults, sgdDefaults } from "../../src/train/options.js"
import { runTraining } from "../../src/train/run.js"
import type { EpochFigures, RunEvents } from "../../src/train/run-events.js"
import type { RunOptions } from "../../src/train/run-options.js"
import { isDone, type RunPosition } from "../../src/train/run-position.js"
import { scheduleOptions } from "../../src/train/schedule.js"
import type { Sgd } from "../../src/train/sgd.js"
import { loadState, saveEpochStart, saveState } from "../../src/train/state.js"
import type { TrainingTask } from "../../src/train/training-task.js"
import { prepareBatch, rectangles, tinyDetector } from "../support/tiny-detector.js"

beforeAll(async () => {
  await startEngine()
})

const options: RunOptions = {
  epochs: 2,
  seed: 3,
  schedule: scheduleOptions({ base: 0.01, steps: 6, warmup: 2 }),
  sgd: sgdDefaults,
  clipNorm: 10,
  validateEvery: 1,
  metric: "score",
  reportEvery: 1,
}

const quiet: RunEvents = {
  onStep: async () => {},
  onEpoch: async () => {},
  onBest: async () => true,
  onSave: async () => {},
}
const never = new AbortController().signal

/** The tiny detector on its two rectangles, three times an epoch; `scores` are what validation says, one after another. */
function task(parameters: Parameters, detector: ReturnType<typeof tinyDetector>["detector"], scores: number[] = []) {
  const { pixels, shape, images } = rectangles()
  const made: TrainingTask<number, TrainingBatch> = {
    parameters,
    batchesPerEpoch: 3,
    async *batches(_epoch, start) {
      for (let batch = start; batch < 3; batch++) yield batch
    },
    next: (batch) => batch + 1,
    prepare: () => prepareBatch(detector, { pixels, shape, images }),
    losses: (prepared, _batch, random) => detector.losses(prepared, random),
    images: (batch) => [`picture ${batch}`],
    waited: () => 0,
    validate: async () => ({ score: scores.shift() ?? 0 }),
  }
  return made
}

const bits = (parameters: Parameters) => [...parameters].map(({ variable }) => [...variable.dataSync()])

/** Runs once through, and once with a stop after `stopAt` steps; both have to end alike. */
async function expectResumes(options: RunOptions, stopAt: number) {
  const run = mkdtempSync(join(tmpdir(), "resdet-run-"))
  onTestFinished(() => rmSync(run, { recursive: true }))
  const means: Readonly<Record<string, number>>[] = []
  const averages: string[] = []
  const keeping: RunEvents = {
    ...quiet,
    onEpoch: async (_, losses) => void means.push(losses),
    onSave: async (_position, _optimizer, average) => {
      averages.push(digest(average?.means.values() ?? []))
    },
  }
  const whole = tinyDetector()
  await runTraining(task(whole.parameters, whole.detector), options, keeping, never)
  const [untouched, average] = [means.at(-1), averages.at(-1)]

  const stopper = new AbortController()
  const first = tinyDetector()
  const events: RunEvents = {
    ...quiet,
    onStep: async ({ step }) => {
      if (step === stopAt) stopper.abort()
    },
    onSave: async (position, optimizer, average) => saveState(run, position, first.parameters, optimizer, average),
  }
  const stopped = await runTraining(task(first.parameters, first.detector), options, events, stopper.signal)

  const { weights, ...from } = loadState(run)
  expect(from.position).toEqual(stopped)
  const second = tinyDetector(2, new Parameters(seededRandom(99), weights))
  expect(second.parameters.initialised).toEqual([])
  await runTraining(task(second.parameters, second.detector), options, keeping, never, from)
  expect(bits(second.parameters)).toEqual(bits(whole.parameters))
  expect(means.at(-1)).toEqual(untouched)
  expect(averages.at(-1)).toEqual(average)
  return { stopped, average }
}

const digest = (tensors: Iterable<tf.Tensor>) => {
  const hash = createHash("sha256")
  for (const tensor of tensors) hash.update(Buffer.from(tensor.dataSync<"float32">().slice().buffer))
  return hash.digest("hex")
}

test("a run that stops and goes on ends with the very same bits as one that never stopped", async () => {
  const { stopped } = await expectResumes(options, 4)
  expect(stopped).toMatchObject({ epoch: 1, batch: 1, step: 4, best: 0, losses: { count: 1 } })
})

test("so does one that accumulates, averages its weights and ends by steps in the middle of an epoch", async () => {
  const average = { decay: 0.9, ramp: 2 }
  const { stopped, average: averaged } = await expectResumes({ ...options, steps: 5, accumulate: 2, average }, 3)
  expect(stopped).toMatchObject({ epoch: 1, batch: 2, step: 3, losses: { count: 2 } })
  const untrained = tinyDetector().parameters.trainable()
  expect(averaged).not.toBe(digest(untrained.map(({ variable }) => variable)))
})

test("each step and each validated image is told, counted in the whole run", async () => {
  const told: unknown[] = []
  const { parameters, detector } = tinyDetector()
  const validate: TrainingTask<number, TrainingBatch>["validate"] = async (_, onImage) => {
    onImage?.(1, 2)
    return { score: 0 }
  }
  const events: RunEvents = { ...quiet, onProgress: (...progress) => void told.push(progress) }
  await runTraining({ ...task(parameters, detector), validate }, { ...options, steps: 4 }, events, never)
  const steps = (...done: number[]) => done.map((step) => ["train", step, 4])
  expect(told).toEqual([...steps(0, 1, 2, 3), ["validate", 1, 2], ...steps(3, 4), ["validate", 1, 2]])
})

test("a run that is killed goes on from what it saved within the epoch, to the very same bits", async () => {
  const run = mkdtempSync(join(tmpdir(), "resdet-run-"))
  onTestFinished(() => rmSync(run, { recursive: true }))
  const whole = tinyDetector()
  await runTraining(task(whole.parameters, whole.detector), options, quiet, never)

  const killed = tinyDetector()
  const saved: number[] = []
  const events: RunEvents = {
    ...quiet,
    onStep: async ({ step }) => {
      if (step === 5) throw new Error("killed")
    },
    onSave: async (position, optimizer) => {
      saved.push(position.step)
      await saveState(run, position, killed.parameters, optimizer)
    },
  }
  const often = { ...options, saveEvery: { steps: 2 } }
  await expect(runTraining(task(killed.parameters, killed.detector), often, events, never)).rejects.toThrow("killed")
  expect(saved).toEqual([2, 3, 4])

  const { weights, ...from } = loadState(run)
  expect(from.position).toMatchObject({ epoch: 1, batch: 1, step: 4 })
  const second = tinyDetector(2, new Parameters(seededRandom(99), weights))
  await runTraining(task(second.parameters, second.detector), often, quiet, never, from)
  expect(bits(second.parameters)).toEqual(bits(whole.parameters))
})

test("saving by time counts from the last save", async () => {
  const { detector, parameters } = tinyDetector()
  const saves = async (minutes: number) => {
    const steps: number[] = []
    const events = { ...quiet, onSave: async ({ step }: RunPosition) => void steps.push(step) }
    await runTraining(task(parameters, detector), { ...options, saveEvery: { minutes } }, events, never)
    return steps
  }
  expect(await saves(1e-9)).toEqual([1, 2, 3, 3, 4, 5, 6, 6])
  expect(await saves(60)).toEqual([3, 6])
})

test("a run of steps ends after them, is validated there, and can be made longer", async () => {
  const { detector, parameters } = tinyDetector()
  const saved: RunPosition[] = []
  const rows: [number, Record<string, number>][] = []
  const events: RunEvents = {
    ...quiet,
    onEpoch: async (epoch, _, metrics) => void rows.push([epoch, { ...metrics }]),
    onSave: async (position) => void saved.push(position),
  }
  const made = task(parameters, detector, [0.1, 0.2])
  const end = await runTraining(made, { ...options, epochs: 1, steps: 4 }, events, never)
  expect(end).toMatchObject({ epoch: 1, batch: 1, step: 4, best: 0.2 })
  expect(saved.at(-1)).toEqual(end)
  expect(rows).toEqual([
    [1, { score: 0.1 }],
    [2, { score: 0.2 }],
  ])
  const longer = await runTraining(made, { ...options, steps: 6 }, events, never, { position: end })
  expect(longer).toMatchObject({ epoch: 1, batch: 3, step: 6 })
})

test("data of which no image can be used end a run of steps, which would never come to its end", async () => {
  const { detector, parameters } = tinyDetector()
  const empty = { ...task(parameters, detector), batches: async function* () {} }
  await expect(runTraining(empty, { ...options, steps: 4 }, quiet, never)).rejects.toThrow("a whole epoch had no step")
})

test("a batch that is not handed out is not taken again: the position is the loader's own", async () => {
  const { detector, parameters } = tinyDetector()
  const sound = task(parameters, detector)
  const stopper = new AbortController()
  const gappy: TrainingTask<number, TrainingBatch> = {
    ...sound,
    batches: async function* (epoch, start) {
      for await (const batch of sound.batches(epoch, start)) if (batch !== 0) yield batch
    },
  }
  const events = { ...quiet, onStep: async () => stopper.abort() }
  const stopped = await runTraining(gappy, options, events, stopper.signal)
  expect(stopped).toMatchObject({ epoch: 0, batch: 2, step: 1 })
})

test("two runs with one seed are equal bit for bit, another seed differs", async () => {
  const run = async (seed: number) => {
    const { detector, parameters } = tinyDetector()
    await runTraining(task(parameters, detector), { ...options, seed }, quiet, never)
    return bits(parameters)
  }
  const once = await run(3)
  expect(await run(3)).toEqual(once)
  expect(await run(4)).not.toEqual(once)
})

test("a loss that is no number names loss, step and images, and nothing is saved from there on", async () => {
  const { detector, parameters } = tinyDetector()
  const sound = task(parameters, detector)
  const saved: RunPosition[] = []
  const before = () => bits(parameters)
  let at: number[][] = []
  const broken: TrainingTask<number, TrainingBatch> = {
    ...sound,
    losses: (stem, batch, random) => {
      const losses = sound.losses(stem, batch, random)
      if (saved.length === 0 || batch !== 1) return losses
      at = before()
      return { ...losses, loss_box_reg: tf.mul(losses.loss_box_reg!, Number.NaN) as tf.Scalar }
    },
  }
  const events = { ...quiet, onSave: async (position: RunPosition) => void saved.push(position) }
  const error = await runTraining(broken, options, events, never).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(DivergedError)
  expect((error as DivergedError).exitCode).toBe(5)
  expect((error as Error).message).toMatch(
    /^training diverged at step 5 \(epoch 2\): loss_box_reg is NaN, with images picture 1\. The learning rate was .*lower --lr$/,
  )
  expect(saved).toHaveLength(1)
  expect(bits(parameters)).toEqual(at)
})

test("the best model is the one with the highest metric, and only it is saved as the best", async () => {
  const { detector, parameters } = tinyDetector()
  const improved: number[] = []
  const events = {
    ...quiet,
    onBest: async ({ epoch }: RunPosition) => improved.push(epoch) > 0,
  }
  // NaN: nothing to judge by. A run that went on would not know of it.
  const scores = [Number.NaN, 0.5, 0.4, Number.NaN, 0.6]
  const end = await runTraining(task(parameters, detector, scores), { ...options, epochs: 5 }, events, never)
  expect(improved).toEqual([2, 5])
  expect(end.best).toBe(0.6)
})

test("validation judges the average of the weights where there is one, training goes on with the weights", async () => {
  const { detector, parameters } = tinyDetector()
  const now = () => digest(parameters.trainable().map(({ variable }) => variable))
  const start = now()
  const seen: string[] = []
  const judged = { ...task(parameters, detector), validate: async () => ({ score: seen.push(now()) }) }
  // An average that keeps everything stays where it began.
  await runTraining(judged, { ...options, average: { decay: 1, ramp: 1e-9 } }, quiet, never)
  expect(seen).toEqual([start, start])
  expect(now()).not.toBe(start)
})

test("the number of tensors is the same after every step, and after the run as before it", async () => {
  for (const more of [{}, { accumulate: 2, average: averageDefaults }]) {
    const { detector, parameters } = tinyDetector()
    const before = tf.memory().numTensors
    const counts: number[] = []
    const events = { ...quiet, onStep: async () => void counts.push(tf.memory().numTensors) }
    await runTraining(task(parameters, detector), { ...options, epochs: 3, ...more }, events, never)
    expect(new Set(counts).size).toBe(1)
    expect(counts.length).toBeGreaterThanOrEqual(6)
    expect(tf.memory().numTensors).toBe(before)
  }
})

test("a save that breaks half-way leaves the state before it", async () => {
  const run = mkdtempSync(join(tmpdir(), "resdet-run-"))
  onTestFinished(() => rmSync(run, { recursive: true }))
  const { detector, parameters } = tinyDetector()
  const events = {
    ...quiet,
    onSave: async (position: RunPosition, optimizer: Sgd) => saveState(run, position, parameters, optimizer),
  }
  await runTraining(task(parameters, detector), { ...options, epochs: 1 }, events, never)
  mkdirSync(join(run, "state.new"))
  expect(loadState(run).position.step).toBe(3)
  expect(existsSync(join(run, "state.old"))).toBe(false)
})

test("a stop during validation leaves it pending, and the run that goes on makes it", async () => {
  for (const length of [{ epochs: 2 }, { epochs: 1, steps: 4 }]) {
    const run = mkdtempSync(join(tmpdir(), "resdet-run-"))
    onTestFinished(() => rmSync(run, { recursive: true }))
    const rows: unknown[] = []
    const stopper = new AbortController()
    const first = tinyDetector()
    const events: RunEvents = {
      ...quiet,
      onEpoch: async (epoch, _, metrics) => void rows.push([epoch, { ...metrics }]),
      onSave: async (position, optimizer) => saveState(run, position, first.parameters, optimizer),
    }
    const stopped = task(first.parameters, first.detector)
    let validations = 0
    stopped.validate = async () => {
      if (++validations === 2) stopper.abort()
      return { score: 0.5 }
    }
    const position = await runTraining(stopped, { ...options, ...length }, events, stopper.signal)
    expect(position).toMatchObject({ pending: true, best: 0.5 })
    expect(rows).toEqual([[1, { score: 0.5 }]])

    const { weights, ...from } = loadState(run)
    expect(from.position).toEqual(position)
    const second = tinyDetector(2, new Parameters(seededRandom(99), weights))
    const goesOn = task(second.parameters, second.detector, [0.75])
    const end = await runTraining(goesOn, { ...options, ...length }, events, never, from)
    expect(rows.slice(1)).toEqual([[2, { score: 0.75 }]])
    expect(end.best).toBe(0.75)
    expect(end.pending).toBeUndefined()
    expect(end.step).toBe(position.step)
    expect(bits(second.parameters)).toEqual(bits(first.parameters))
  }
})

test("a best model that could not be written is not the best: the next better one than before is", async () => {
  const { detector, parameters } = tinyDetector()
  const tried: number[] = []
  const events: RunEvents = {
    ...quiet,
    onBest: async ({ best }) => {
      tried.push(best!)
      return best !== 0.9
    },
  }
  const scores = [0.5, 0.9, 0.6]
  const end = await runTraining(task(parameters, detector, scores), { ...options, epochs: 3 }, events, never)
  expect(tried).toEqual([0.5, 0.9, 0.6])
  expect(end.best).toBe(0.6)
})

test("an epoch without a single batch ends the run, whatever its length is counted in", async () => {
  const { detector, parameters } = tinyDetector()
  const vanished: TrainingTask<number, TrainingBatch> = {
    ...task(parameters, detector),
    async *batches(epoch, start) {
      for (let batch = start; epoch === 0 && batch < 3; batch++) yield batch
    },
  }
  const steps: number[] = []
  const events: RunEvents = { ...quiet, onSave: async ({ step }) => void steps.push(step) }
  await expect(runTraining(vanished, options, events, never)).rejects.toThrow(/none of the training images/)
  expect(steps).toEqual([3])
})

/** A run's events that keep its states in a folder, and what it told when it went back. */
function kept(parameters: Parameters) {
  const run = mkdtempSync(join(tmpdir(), "resdet-run-"))
  onTestFinished(() => rmSync(run, { recursive: true }))
  const told: string[] = []
  const events: RunEvents = {
    ...quiet,
    onSave: async (position, optimizer) => saveState(run, position, parameters, optimizer),
    onEpochStart: async (position, optimizer) => saveEpochStart(run, position, parameters, optimizer),
    epochStart: async () => loadState(run, "epoch-start"),
    onGoBack: async (_, reason) => void told.push(reason),
  }
  return { run, events, told }
}

/** The sound task, whose box loss is multiplied in the second epoch's second batch as long as the rate is `above`. */
function exploding(made: ReturnType<typeof tinyDetector>, rates: number[], above: number, factor: number) {
  const sound = task(made.parameters, made.detector)
  let epochNow = 0
  const broken: TrainingTask<number, TrainingBatch> = {
    ...sound,
    batches: (epoch, start) => {
      epochNow = epoch
      return sound.batches(epoch, start)
    },
    losses: (prepared, batch, random) => {
      const losses = sound.losses(prepared, batch, random)
      if (epochNow !== 1 || batch !== 1 || (rates.at(-1) ?? 1) <= above) return losses
      return { ...losses, loss_box_reg: tf.mul(losses.loss_objectness!, factor) as tf.Scalar }
    },
  }
  return broken
}

test.each([
  [
    Number.NaN,
    /^training diverged at step 5 \(epoch 2\): loss_box_reg is NaN, with images picture 1\. Going back to step 3 with half the learning rate, 1 of 3 times$/,
  ],
  [
    1e6,
    /^training diverged at step 5 \(epoch 2\): the loss exploded: \d\S+ over the last batches, \d\S+ at the start, with images picture 1\. Going/,
  ],
])(
  "a run that diverges (times %d) begins the epoch again with half the rate, and resumed after a kill repeats it",
  async (factor, why) => {
    const retrying: RunOptions = {
      ...options,
      epochs: 3,
      onDiverge: "retry",
      schedule: scheduleOptions({ base: 0.01, steps: 9, warmup: 0, drops: [] }),
    }
    const train = async (dieAt?: number) => {
      const made = tinyDetector()
      const { run, events, told } = kept(made.parameters)
      const rates: number[] = []
      const following: RunEvents = {
        ...events,
        onStep: async ({ step, rate }) => {
          rates.push(rate)
          if (step === dieAt && told.length > 0) throw new Error("killed")
        },
      }
      const ended = runTraining(exploding(made, rates, 0.004, factor), retrying, following, never)
      return { ...(await ended.catch(() => undefined)), made, told, rates, run }
    }
    const whole = await train()
    expect(whole.told).toHaveLength(2)
    expect(whole.told[0]).toMatch(why)
    expect(whole).toMatchObject({ epoch: 3, step: 9, retries: 2 })
    expect(whole.rates.map((rate) => Number(rate.toPrecision(3)))).toEqual([
      ...[0.01, 0.01, 0.01, 0.01],
      ...[0.005],
      ...[0.0025, 0.0025, 0.0025, 0.0025, 0.0025, 0.0025],
    ])

    const killed = await train(5)
    const { weights, ...from } = loadState(killed.run)
    expect(from.position).toMatchObject({ epoch: 1, batch: 0, step: 3, retries: 2 })
    const second = tinyDetector(2, new Parameters(seededRandom(99), weights))
    const { events } = kept(second.parameters)
    await runTraining(exploding(second, [0], 0.004, factor), retrying, events, never, from)
    expect(bits(second.parameters)).toEqual(bits(whole.made.parameters))
  },
)

test("a run that always diverges ends with 5 after three times; where nothing has moved since, no rate helps", async () => {
  const hopeless = [
    { at: 1, times: 3, message: /halved 3 times; look at the boxes of these images, and try a lower --lr$/ },
    {
      at: 0,
      times: 0,
      message: /loss_objectness is NaN, with images picture 0\. The learning rate was \S+; try a lower --lr$/,
    },
  ]
  for (const { at, times, message } of hopeless) {
    const { detector, parameters } = tinyDetector()
    const { events, told } = kept(parameters)
    const sound = task(parameters, detector)
    const broken: TrainingTask<number, TrainingBatch> = {
      ...sound,
      losses: (prepared, batch, random) => {
        const losses = sound.losses(prepared, batch, random)
        if (batch !== at) return losses
        return { ...losses, loss_objectness: tf.mul(losses.loss_objectness!, Number.NaN) as tf.Scalar }
      },
    }
    const error: unknown = await runTraining(broken, { ...options, onDiverge: "retry" }, events, never).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(DivergedError)
    expect((error as Error).message).toMatch(message)
    expect(told).toHaveLength(times)
  }
})

test("a run without patience left ends early, and says so when it is resumed; one better model gives it back", async () => {
  const scores = [0.5, 0.4, Number.NaN, 0.6, 0.5, 0.5, 0.9]
  const { detector, parameters } = tinyDetector()
  const finished: number[] = []
  const impatient: RunOptions = { ...options, epochs: 7, patience: 3, onDiverge: "retry" }
  const made = task(parameters, detector, [...scores])
  const end = await runTraining(made, { ...impatient, patience: 2 }, quiet, never)
  expect(end).toMatchObject({ epoch: 3, step: 9, waited: 2, best: 0.5 })
  expect(isDone(end, { ...impatient, patience: 2 })).toBe(true)
  expect(isDone(end, impatient)).toBe(false)
  const late = task(parameters, detector, scores.slice(3))
  const later = await runTraining({ ...late, finish: async () => void finished.push(1) }, impatient, quiet, never, {
    position: end,
  })
  expect(later).toMatchObject({ epoch: 7, best: 0.9 })
  expect(later.waited).toBeUndefined()
  expect(finished).toEqual([1])
})

test("a run whose time is over is validated where it is, and goes on to the bits of one that had the time", async () => {
  const whole = tinyDetector()
  await runTraining(task(whole.parameters, whole.detector), options, quiet, never)
  const first = tinyDetector()
  const { run, events } = kept(first.parameters)
  const rows: [number, Readonly<Record<string, number>>][] = []
  const following: RunEvents = {
    ...events,
    onStep: async () => void (await new Promise((resolve) => setTimeout(resolve, 5))),
    onEpoch: async (epoch, _, metrics) => void rows.push([epoch, metrics]),
  }
  const hurried = { ...options, maxMinutes: 1e-9 }
  const end = await runTraining(task(first.parameters, first.detector, [0.25]), hurried, following, never)
  expect(end).toMatchObject({ epoch: 0, batch: 1, step: 1, best: 0.25 })
  expect(rows).toEqual([[1, { score: 0.25 }]])
  const { weights, ...from } = loadState(run)
  expect(from.position).toEqual(end)
  const second = tinyDetector(2, new Parameters(seededRandom(99), weights))
  await runTraining(task(second.parameters, second.detector), options, quiet, never, from)
  expect(bits(second.parameters)).toEqual(bits(whole.parameters))
})

test("what runs out of memory ends in one line that says what to lower", async () => {
  const { detector, parameters } = tinyDetector()
  const large: TrainingTask<number, TrainingBatch> = {
    ...task(parameters, detector),
    prepare: async () => {
      throw new Error("OOM when allocating tensor with shape[2,64,400,544] and type float")
    },
    size: () => ({ is: "a batch of 2 images", lower: "--batch to 1" }),
  }
  await expect(runTraining(large, options, quiet, never)).rejects.toThrow(
    /^out of memory at step 1 \(epoch 1\) with a batch of 2 images \(picture 0\)\. Lower --batch to 1$/,
  )
})

test("an epoch tells the gradients' norm before clipping, the rate of its last step and its time", async () => {
  const { detector, parameters } = tinyDetector()
  const steps: number[] = []
  const epochs: EpochFigures[] = []
  const events: RunEvents = {
    ...quiet,
    onStep: async ({ gradNorm, losses }) => {
      expect(Object.keys(losses)).not.toContain("gradNorm")
      steps.push(gradNorm)
    },
    onEpoch: async (_epoch, _losses, _metrics, figures) => void epochs.push(figures),
  }
  const accumulated = { ...options, epochs: 1, accumulate: 2, clipNorm: 1e-3 }
  await runTraining(task(parameters, detector), accumulated, events, never)
  expect(steps).toHaveLength(2)
  expect(Math.min(...steps)).toBeGreaterThan(0.01)
  const mean = (steps[0]! + steps[1]!) / 2
  expect(epochs).toEqual([{ gradNorm: expect.closeTo(mean, 6), rate: expect.any(Number), seconds: expect.any(Number) }])
  expect(epochs[0]!.rate).toBeCloseTo(0.01 * (0.001 + 0.999 / 2), 8)
  expect(epochs[0]!.seconds).toBeGreaterThan(0)
})
