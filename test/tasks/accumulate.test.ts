import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { startEngine } from "../../src/engine/start.js"
import { trainClassifier } from "../../src/tasks/train-classifier.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { tempFolder, writeFiles } from "../datasets/samples.js"

beforeAll(() => startEngine())

/** Eight pictures of CIFAR's size, alike or each of its own, of four classes. */
function pictures(areAlike: boolean): string {
  const record = (n: number) => {
    const pixel = (i: number) => (i * 7 + (areAlike ? 0 : n * 53) + ((i >> 5) % 3) * 40) % 256
    return Buffer.from([n % 4, ...Array.from({ length: 3072 }, (_, i) => pixel(i))])
  }
  const folder = tempFolder()
  writeFiles(folder, {
    "data_batch_1.bin": Buffer.concat(Array.from({ length: 8 }, (_, n) => record(n))),
    "test_batch.bin": record(0),
    "batches.meta.txt": "a\nb\nc\nd\n",
  })
  return folder
}

/** One step on all eight pictures, as one batch or in parts; the weights after it. */
async function stepOf(data: string, batch: number, options: object = {}) {
  const how = {
    model: "cifar_resnet20",
    epochs: 1,
    lr: 0.1,
    padding: 0,
    flip: 0,
    statistics: "moving",
    valEvery: 0,
  } as const
  const out = join(tempFolder(), "run")
  const { weights } = await trainClassifier({ ...how, data, out, batch, accumulate: 8 / batch, ...options })
  using checkpoint = Checkpoint.open(weights.last)
  return new Map([...checkpoint.weights()].map(([name, { values }]) => [name, Float32Array.from(values)]))
}

type Weights = Awaited<ReturnType<typeof stepOf>>

/** The largest difference among the weights that learn, and among the moving averages. */
function differences(some: Weights, others: Weights): { learned: number; averages: number } {
  const most = { learned: 0, averages: 0 }
  for (const [name, values] of some) {
    const kind = /running_(mean|var)$/.test(name) ? "averages" : "learned"
    for (const [i, value] of values.entries())
      most[kind] = Math.max(most[kind], Math.abs(value - others.get(name)![i]!))
  }
  return most
}

test("a step in parts is that of the whole batch where every part has the whole's statistics", async () => {
  const data = pictures(true)
  const [whole, parts] = [await stepOf(data, 8), await stepOf(data, 2)]
  expect(differences(whole, parts).learned).toBeLessThan(1e-5)
  // The moving averages take in each part: four times a tenth of the same mean, not once.
  const [once, often] = [whole, parts].map((weights) => weights.get("bn1.running_mean")!)
  const largest = once!.reduce((best, value, i) => (Math.abs(value) > Math.abs(once![best]!) ? i : best), 0)
  expect(often![largest]! / once![largest]!).toBeCloseTo((1 - 0.9 ** 4) / 0.1, 3)
})

test("pictures of their own make another step, since each part is normalised by itself", async () => {
  const data = pictures(false)
  expect(differences(await stepOf(data, 8), await stepOf(data, 2)).learned).toBeGreaterThan(1e-3)
})
