import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, onTestFinished, test } from "vitest"
import { constant } from "../../src/core/initializers.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { WeightAverage } from "../../src/train/average.js"
import { RunFolder, type RunFolderOptions, type SavedModel } from "../../src/train/run-folder.js"
import { runStart } from "../../src/train/run-position.js"
import { Sgd } from "../../src/train/sgd.js"
import { loadState } from "../../src/train/state.js"

beforeAll(async () => {
  await startEngine()
})

const report = { rate: 0.01, losses: { loss: 1 }, gradNorm: 2, stepMs: 1, dataMs: 0, bytes: 1, secondsLeft: 0 }
const figures = { gradNorm: 2, rate: 0.01, seconds: 3 }

function open() {
  const folder = mkdtempSync(join(tmpdir(), "resdet-run-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, "weights"))
  const told: string[] = []
  const parameters = new Parameters(seededRandom(0))
  const save = (path: string, training: unknown) => writeFileSync(path, JSON.stringify(training))
  const model: SavedModel = { name: "made up", classes: ["R&B", "<b>"], save }
  const make = (options: RunFolderOptions = {}) =>
    new RunFolder(folder, parameters, model, (line) => told.push(line), options)
  return { folder, told, make, optimizer: new Sgd([]) }
}

const page = (folder: string) => readFileSync(join(folder, "report.html"), "utf8")

test("each save writes the report, of a resumed run with its whole history", async () => {
  const { folder, told, make, optimizer } = open()
  writeFileSync(join(folder, "config.json"), '{"config": {"lr": 0.0125}}')
  const first = make()
  await first.begin(runStart)
  await first.onStep({ ...report, epoch: 1, step: 20 })
  await first.onEpoch(1, { loss: 0.75 }, { voc12: 0.5 }, figures)
  await first.onBest({ ...runStart, epoch: 1, step: 20, best: 0.5 })
  await first.onSave({ ...runStart, epoch: 1, step: 20, best: 0.5 }, optimizer)
  expect(page(folder)).toContain("<td>0.7500</td><td>0.5000</td>")

  const resumed = make()
  await resumed.begin({ ...runStart, epoch: 1, step: 20, best: 0.5 })
  await resumed.onStep({ ...report, epoch: 2, step: 40 })
  await resumed.onEpoch(2, { loss: 0.25 }, { voc12: 0.375 }, figures)
  await resumed.onSave({ ...runStart, epoch: 2, step: 40, best: 0.5 }, optimizer)
  const html = page(folder)
  expect(html).toContain("<td>0.7500</td><td>0.5000</td>")
  expect(html).toContain("<td>0.2500</td><td>0.3750</td>")
  expect(html).toContain("<dt>best epoch</dt><dd>1</dd>")
  expect(html).toContain("<dt>steps logged</dt><dd>40</dd>")
  expect(html).toContain("R&amp;B · &lt;b&gt;")
  expect(html).toContain("0.0125")
  const weights = (name: string) => JSON.parse(readFileSync(join(folder, "weights", name), "utf8")) as unknown
  expect(weights("last.safetensors")).toMatchObject({ epoch: 2, step: 40, best: 0.5, voc12: 0.375 })
  expect(weights("best.safetensors")).toMatchObject({ epoch: 1, step: 20, best: 0.5, voc12: 0.5 })
  expect(told).toEqual([])
  expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([])
})

test("nothing is written through links: weights that are one are refused, a state that is one is replaced", async () => {
  const { folder, told, make, optimizer } = open()
  const theirs = mkdtempSync(join(tmpdir(), "resdet-theirs-"))
  onTestFinished(() => rmSync(theirs, { recursive: true }))
  for (const name of ["state", "state.new", "state.old"]) {
    symlinkSync(theirs, join(folder, name))
  }
  await make().onSave({ ...runStart, epoch: 1, step: 20, best: null }, optimizer)
  expect([told, loadState(folder).position.step, readdirSync(theirs)]).toEqual([[], 20, []])
  rmSync(join(folder, "weights"), { recursive: true })
  symlinkSync(theirs, join(folder, "weights"))
  await expect(make().begin(runStart)).rejects.toThrow(`${join(folder, "weights")} is a link`)
  await make().onSave({ ...runStart, epoch: 1, step: 20, best: null }, optimizer)
  expect(told).toEqual([expect.stringContaining(`${join(folder, "weights")} is a link`)])
  expect(readdirSync(theirs)).toEqual([])
})

test("what a kill left beside the whole state is swept; the old state stays where it is the only one", async () => {
  const { folder, make, optimizer } = open()
  const position = { ...runStart, epoch: 1, step: 20, best: null }
  await make().onSave(position, optimizer)
  cpSync(join(folder, "state"), join(folder, "state.old"), { recursive: true })
  mkdirSync(join(folder, "state.new"))
  // The kill came before the beginning of the epoch that is over was removed.
  cpSync(join(folder, "state"), join(folder, "epoch-start"), { recursive: true })
  make().sweep({ ...position, batch: 1 })
  expect(existsSync(join(folder, "epoch-start"))).toBe(true)
  make().sweep(position)
  expect(existsSync(join(folder, "epoch-start"))).toBe(false)
  const states = () => readdirSync(folder).filter((name) => name.startsWith("state"))
  expect(states()).toEqual(["state"])
  renameSync(join(folder, "state"), join(folder, "state.old"))
  make().sweep(position)
  expect(states()).toEqual(["state.old"])
})

test("a report that cannot be written is told, and neither stops the run nor counts as a failed save", async () => {
  const { folder, told, make, optimizer } = open()
  mkdirSync(join(folder, "report.html", "in the way"), { recursive: true })
  const run = make()
  await run.onSave({ ...runStart, epoch: 1, step: 20, best: null }, optimizer)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/: report\.html could not be saved: .+\. Training continues and tries again$/)
  expect(run.failure).toBeUndefined()
  expect(readdirSync(join(folder, "state"))).toContain("position.json")
})

test("a report that is written does not hide that the model was not; the state is tried all the same", async () => {
  const { folder, told, make, optimizer } = open()
  mkdirSync(join(folder, "weights", "last.safetensors", "in the way"), { recursive: true })
  const run = make()
  await run.onSave({ ...runStart, epoch: 1, step: 20, best: null }, optimizer)
  expect(page(folder)).toContain("</html>")
  expect(told[0]).toMatch(/: weights\/last.safetensors could not be saved: .+\. Training continues and tries again$/)
  expect(run.failure).toBeInstanceOf(Error)
  expect(readdirSync(join(folder, "state"))).toContain("position.json")
  await run.onSave({ ...runStart, epoch: 2, step: 40, best: null }, optimizer)
  expect(told).toHaveLength(1)
  rmSync(join(folder, "weights", "last.safetensors"), { recursive: true })
  await run.onSave({ ...runStart, epoch: 3, step: 60, best: null }, optimizer)
  expect(told.slice(1)).toEqual([`${folder}: weights/last.safetensors is saved again`])
  expect(run.failure).toBeUndefined()
})

test("a folder that is removed in the run is made again with all that a resume needs; leftovers of a kill go", async () => {
  const { folder, told, make, optimizer } = open()
  writeFileSync(join(folder, "config.json"), "{}")
  writeFileSync(join(folder, "weights", ".0b2ac0e7-d04a.part"), "half")
  const run = make()
  await run.begin(runStart)
  expect(readdirSync(join(folder, "weights"))).toEqual([])
  rmSync(folder, { recursive: true })
  await run.onStep({ ...report, epoch: 1, step: 20 })
  await run.onEpoch(1, { loss: 1 }, {}, figures)
  await run.onSave({ ...runStart, epoch: 1, step: 20 }, optimizer)
  expect(readFileSync(join(folder, "config.json"), "utf8")).toBe("{}")
  expect(loadState(folder).position.step).toBe(20)
  expect(readFileSync(join(folder, "results.csv"), "utf8")).toBe("epoch,loss,gradNorm,rate,seconds\n1,1,2,0.01,3\n")
  expect(told).toEqual([])
})

test("where weights are averaged the models have the average, the state both", async () => {
  const folder = mkdtempSync(join(tmpdir(), "resdet-run-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, "weights"))
  const parameters = new Parameters(seededRandom(0))
  const bias = parameters.create("bias", "bias", [2], constant(1))
  const average = new WeightAverage(parameters.trainable(), { decay: 0.5, ramp: 1 })
  tf.tidy(() => bias.assign(tf.tensor1d([5, 6])))
  const save = (path: string) => writeFileSync(path, JSON.stringify([...bias.dataSync()]))
  const run = new RunFolder(folder, parameters, { name: "made up", classes: ["a"], save }, () => {})
  await run.onBest({ ...runStart, step: 1 }, average)
  await run.onSave({ ...runStart, step: 1 }, new Sgd(parameters.trainable()), average)
  for (const name of ["best", "last"]) {
    expect(readFileSync(join(folder, "weights", `${name}.safetensors`), "utf8")).toBe("[1,1]")
  }
  const { weights, average: means } = loadState(folder)
  expect([[...weights.get("bias")!.values], [...means!.get("bias")!]]).toEqual([
    [5, 6],
    [1, 1],
  ])
})

test("what an epoch began with takes no room while the state is the same, and goes with the epoch", async () => {
  const { folder, told, make, optimizer } = open()
  const run = make()
  const start = { ...runStart, epoch: 1, step: 20 }
  const files = (slot: string) => {
    const names = readdirSync(join(folder, slot)).sort()
    return names.map((name) => [name, statSync(join(folder, slot, name)).ino])
  }
  await run.onSave(start, optimizer)
  await run.onEpochStart(start, optimizer)
  expect(files("epoch-start")).toEqual(files("state"))
  await run.onSave({ ...start, batch: 3, step: 23 }, optimizer)
  expect(files("epoch-start")).not.toEqual(files("state"))
  expect((await run.epochStart())?.position).toEqual(start)
  // Nothing is linked that stands elsewhere.
  await run.onEpochStart(start, optimizer)
  expect((await run.epochStart())?.position).toEqual(start)
  await run.onSave({ ...start, batch: 0, step: 40, pending: true }, optimizer)
  expect(await run.epochStart()).toBeDefined()
  await run.onSave({ ...start, epoch: 2, step: 40 }, optimizer)
  expect(await run.epochStart()).toBeUndefined()
  expect(told).toEqual([])
})

test("the weights of the last epochs stay where they are asked for, those of the middle of an epoch do not", async () => {
  const { folder, told, make, optimizer } = open()
  const kept = () =>
    readdirSync(join(folder, "weights"))
      .filter((name) => name.startsWith("epoch"))
      .sort()
  const save = (to: RunFolder, epoch: number, batch = 0) =>
    to.onSave({ ...runStart, epoch, batch, step: epoch }, optimizer)
  await save(make(), 1)
  expect(kept()).toEqual([])
  const run = make({ keep: 2 })
  for (let epoch = 1; epoch <= 10; epoch++) await save(run, epoch)
  await save(run, 10, 5)
  expect(kept()).toEqual(["epoch-10.safetensors", "epoch-9.safetensors"])
  expect(readFileSync(join(folder, "weights", "epoch-9.safetensors"), "utf8")).toContain('"epoch":9')
  // The run went back to an earlier state.
  await save(make({ keep: 2 }), 8)
  expect(kept()).toEqual(["epoch-8.safetensors"])
  expect(told).toEqual([])
})

test("TensorBoard's events are written where asked for, in a file of each process", async () => {
  const { folder, make, optimizer } = open()
  await make().onStep({ ...report, epoch: 1, step: 20 })
  expect(existsSync(join(folder, "tensorboard"))).toBe(false)
  for (const step of [40, 60]) {
    const run = make({ tensorboard: true })
    await run.onStep({ ...report, epoch: 1, step })
    await run.onEpoch(1, { loss: 0.75 }, { voc12: 0.5 }, figures)
    await run.onSave({ ...runStart, epoch: 1, step }, optimizer)
  }
  const [file = ""] = readdirSync(join(folder, "tensorboard"))
  const text = readFileSync(join(folder, "tensorboard", file), "latin1")
  for (const name of ["train/loss", "train/rate", "epoch/voc12", "epoch/gradNorm"]) expect(text).toContain(name)
})
