import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { DataError, DisposedError, UsageError } from "../../src/core/errors.js"
import { Parameters } from "../../src/core/parameters.js"
import { startEngine } from "../../src/engine/start.js"
import { loadClassifier } from "../../src/tasks/load-classifier.js"
import { buildClassifier } from "../../src/weights/open-model.js"
import { saveClassifier } from "../../src/weights/save.js"
import { quickRandom } from "../support/untrained-detector.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-classifier-"))
const weights = join(folder, "tiny.safetensors")
const config = {
  network: "cifar_resnet20",
  options: {},
  size: 32,
  mean: [0.5, 0.5, 0.5],
  std: [0.2, 0.2, 0.2],
} as const
const pixels = (n: number) => {
  return { width: 32, height: 32, data: Uint8Array.from({ length: 3072 }, (_, i) => (i * n * 37) & 255) }
}

beforeAll(async () => {
  await startEngine("wasm")
  const parameters = new Parameters(quickRandom(1))
  buildClassifier(parameters, config, 3)
  saveClassifier(weights, parameters, { config: config, classes: ["cat", "dog", "owl"], training: {} })
  parameters.dispose()
})
afterAll(() => rmSync(folder, { recursive: true }))

test("a thread says what this thread says, of one image and of a list, of a file and of its bytes", async () => {
  using here = await loadClassifier(weights, { engine: "wasm", workers: 0 })
  using there = await loadClassifier(readFileSync(weights), { engine: "wasm", batch: 2 })
  const alone = [await here.classify(pixels(1)), await here.classify(pixels(2)), await here.classify(pixels(3))]
  expect(alone[0]).toHaveLength(3)
  expect(new Set(alone.map((guesses) => JSON.stringify(guesses))).size).toBe(3)
  const [one, bad, two, three] = await there.classify([pixels(1), Buffer.from("no"), pixels(2), pixels(3)])
  expect([one, two, three]).toEqual(alone)
  expect(bad!.error).toEqual(
    new DataError("images[1]: it is no image: expected JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP"),
  )
  expect(await there.classify(pixels(1), { top: 1 })).toEqual(alone[0]!.slice(0, 1))
  expect([there.engine, there.classes, there.pending]).toEqual(["wasm", ["cat", "dog", "owl"], 0])
  await expect(there.classify(pixels(1), { top: 0 })).rejects.toThrow(
    new UsageError("classify: expected top to be a whole number, 1 or more, got 0"),
  )
  await expect(there.classify(pixels(1), { topp: 2 } as object)).rejects.toThrow(
    new UsageError('classify: unknown option "topp". Did you mean "top"? Known: top'),
  )
  const call = there.classify(pixels(1))
  there.dispose()
  await expect(call).rejects.toThrow(new DisposedError("classify: the handle has been disposed of"))
})
