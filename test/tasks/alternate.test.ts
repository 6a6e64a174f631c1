import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { makeShapes } from "../../datasets/digits.js"
import { type GivenTrainConfig, trainSchema } from "../../src/tasks/options/train-detector.js"
import { trainDetector } from "../../src/tasks/train-detector.js"
import { readTurns, resumeTurns, startTurns } from "../../src/tasks/training/alternate.js"
import type { TrainResult } from "../../src/tasks/training/train-result.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { slowTest } from "../support/slow-test.js"

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "resdet-turns-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

const given = (options: object): GivenTrainConfig => trainSchema.parse({ data: "photos", alternate: true, ...options })

/** Notes what each turn is told; `stopAt` is stopped once, as by a signal. */
function notingTrainer(stopAt?: number) {
  const starts: GivenTrainConfig[] = []
  const resumes: string[] = []
  const changes: object[] = []
  const result = { finished: true, ended: "length" } as TrainResult
  const trainer = {
    async start(config: GivenTrainConfig) {
      starts.push(config)
      mkdirSync(join(config.out!, "state"), { recursive: true })
      return { ...result, finished: starts.length !== stopAt, folder: config.out! }
    },
    async resume(run: string, changed: object) {
      resumes.push(run)
      changes.push(changed)
      return { ...result, folder: run }
    },
  }
  return { trainer, starts, resumes, changes }
}

test("the turns are the paper's four, each with its part, its weights and its proposals", async () => {
  const out = join(tempFolder(), "run")
  const { trainer, starts } = notingTrainer()
  const result = await startTurns(given({ out, weights: "r50.pth", epochs: 2, valEvery: 1 }), trainer, {})
  const last = (turn: string) => join(out, turn, "weights", "last.safetensors")
  const told = starts.map(({ part, weights, proposals, frozen, valEvery }) => [
    part,
    weights,
    proposals,
    frozen,
    valEvery,
  ])
  expect(told).toEqual([
    ["rpn", "r50.pth", undefined, undefined, 0],
    ["head", "r50.pth", last("1-rpn"), undefined, 0],
    ["rpn", last("2-head"), undefined, 4, 0],
    ["head", last("3-rpn"), undefined, 4, 1],
  ])
  expect(starts.every(({ alternate, epochs }) => !alternate && epochs === 2)).toBe(true)
  expect([result.folder, starts[3]!.out]).toEqual([out, out])
})

test("on COCO the head has twice the RPN's images a step, at the same rate; the user's word counts more", async () => {
  const turnsOf = async (options: object) => {
    const { trainer, starts } = notingTrainer()
    const out = join(tempFolder(), "run")
    await startTurns(given({ out, recipe: "coco-paper", batch: 2, accumulate: 4, ...options }), trainer, {})
    return starts
      .slice(0, 2)
      .map(({ accumulate, steps, drops, lr, epochs }) => ({ accumulate, steps, drops, lr, epochs }))
  }
  const own = { steps: 320_000, drops: [240_000], lr: 0.001, epochs: undefined }
  expect(await turnsOf({})).toEqual([
    { accumulate: 4, ...own },
    { accumulate: 8, ...own },
  ])
  const [, head] = await turnsOf({ epochs: 3, lr: 0.5 })
  expect(head).toMatchObject({ accumulate: 8, lr: 0.5, epochs: 3, steps: undefined })
})

test("a stopped turn ends the call, and a resume goes on with it and makes the others", async () => {
  const out = join(tempFolder(), "run")
  const first = notingTrainer(2)
  const stopped = await startTurns(given({ out, epochs: 1 }), first.trainer, {})
  expect([stopped.finished, stopped.folder, first.starts.length]).toEqual([false, out, 2])
  const second = notingTrainer()
  expect((await resumeTurns(out, readTurns(out)!, second.trainer, {}, {})).finished).toBe(true)
  expect(second.resumes).toEqual([join(out, "1-rpn"), join(out, "2-head")])
  expect(second.starts.map(({ out }) => out)).toEqual([join(out, "3-rpn"), out])
  expect(() => startTurns(given({ out, epochs: 1 }), second.trainer, {})).toThrow("already holds a run")
})

test("turns go on where their folder and their data have moved to", async () => {
  const [out, now] = ["run", "moved"].map((name) => join(tempFolder(), name)) as [string, string]
  await startTurns(given({ out, epochs: 1 }), notingTrainer(2).trainer, {})
  renameSync(out, now)
  const { trainer, changes, starts } = notingTrainer()
  await resumeTurns(now, readTurns(now)!, trainer, {}, { data: "elsewhere", epochs: 3 })
  const proposals = join(now, "1-rpn", "weights", "last.safetensors")
  expect(changes).toEqual([{ data: "elsewhere" }, { data: "elsewhere", proposals }])
  expect(starts.map(({ data }) => data)).toEqual(["elsewhere", "elsewhere"])
  expect(readTurns(now)!.data).toBe("elsewhere")
})

test.each([
  [{ model: "fasterrcnn_resnet50_fpn" }, "--alternate trains c4 detectors"],
  [{ part: "rpn" }, "--alternate chooses --part and --proposals itself"],
  [{ frozen: 4 }, "--alternate trains the shared layers"],
])("%o is refused in one line", (options, message) => {
  const out = join(tempFolder(), "run")
  expect(() => startTurns(given({ out, ...options }), notingTrainer().trainer, {})).toThrow(message)
  expect(existsSync(out)).toBe(false)
})

slowTest("turns train what they should and leave the rest bit for bit", { timeout: 300_000 }, async () => {
  const folder = tempFolder()
  const data = join(folder, "shapes")
  await makeShapes(data, { images: 4, valImages: 2, sides: [64, 64], heights: [24, 40], counts: [1, 2] })
  const out = join(folder, "run")
  const options = { data, out, alternate: true, preset: "paper", size: 64, batch: 1, epochs: 1, lr: 0.01 } as const
  const result = await trainDetector({ ...options, detector: { anchors: { sizes: [16, 32] } } })
  expect(result).toMatchObject({ folder: out, finished: true })
  const [first, second, third, fourth] = ["1-rpn", "2-head", "3-rpn", ""].map((turn) => valuesOf(join(out, turn)))
  const changed = (a: Values, b: Values, prefix: string) =>
    [...a].some(([name, values]) => name.startsWith(prefix) && `${values}` !== `${b.get(name)}`)
  // Turns 1 and 2 begin alike and move the features by losses of their own.
  expect(changed(first!, second!, "backbone.")).toBe(true)
  // The shared layers are the second turn's from then on.
  expect(changed(second!, third!, "backbone.") || changed(third!, fourth!, "backbone.")).toBe(false)
  expect([changed(second!, third!, "rpn."), changed(second!, third!, "roi_heads.")]).toEqual([true, false])
  expect([changed(third!, fourth!, "rpn."), changed(third!, fourth!, "roi_heads.")]).toEqual([false, true])
})

type Values = ReadonlyMap<string, Float32Array>

function valuesOf(run: string): Values {
  using checkpoint = Checkpoint.open(join(run, "weights", "last.safetensors"))
  return new Map([...checkpoint.weights()].map(([name, { values }]) => [name, values]))
}
