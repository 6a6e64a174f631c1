import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { threadedModel } from "../../src/predict/threaded-model.js"

const folder = mkdtempSync(join(tmpdir(), "resdet-model-"))
const worker = join(folder, "worker.mjs")

/** Tells how many threads there have been, and ends with code 7 at the path "end". */
beforeAll(() => {
  writeFileSync(
    worker,
    `import { parentPort, workerData } from "node:worker_threads"
    const count = Atomics.add(workerData.data, 0, 1)
    parentPort.on("message", (message) => {
      if (message === undefined) return parentPort.close()
      const { id, job } = message
      if (job.images[0].source === "end") process.exit(7)
      if (job.images[0].source !== "wait") parentPort.postMessage({ id, value: [{ found: count }] })
    })
    parentPort.postMessage({ id: 0, value: "ready" })`,
  )
})
afterAll(() => rmSync(folder, { recursive: true }))

const path = (source: string) => [{ source, isOurs: false }]

test("calls of a thread that breaks fail, and another takes its place", async () => {
  const data = new Int32Array(new SharedArrayBuffer(4))
  const { info, model } = await threadedModel<string, object, number>(worker, data, 1)
  expect(info).toBe("ready")
  expect(await model.run(path("a"), {})).toEqual([0])
  const [waiting, ending] = [model.run(path("wait"), {}), model.run(path("end"), {})]
  await expect(waiting).rejects.toThrow("a thread that detects ended with code 7")
  await expect(ending).rejects.toThrow("a thread that detects ended with code 7")
  expect(await model.run(path("b"), {})).toEqual([1])
  model.dispose()
})

test("jobs go to the thread that has the least to do", async () => {
  const data = new Int32Array(new SharedArrayBuffer(4))
  const { model } = await threadedModel<string, object, number>(worker, data, 2)
  expect(model.jobs).toBe(4)
  const found = await Promise.all([model.run(path("a"), {}), model.run(path("a"), {})])
  expect(new Set(found.flat()).size).toBe(2)
  model.dispose()
})

test("a model that is disposed of while memory is copied starts no thread", async () => {
  const data = new Int32Array(new SharedArrayBuffer(4))
  const { model } = await threadedModel<string, object, number>(worker, data, 1)
  const large = { source: new Uint8Array(20 << 20), isOurs: false }
  const call = model.run([large], {})
  model.dispose()
  await expect(call).rejects.toThrow("expected a model that is open")
  expect(data[0]).toBe(1)
})
