import { execFileSync } from "node:child_process"
import { availableParallelism } from "node:os"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { formGroup } from "../../src/cli/processes.js"
import { findNative } from "../../src/engine/native/cache.js"
import { listenerOf } from "../../src/tasks/hooks.js"
import { decideThreads } from "../../src/tasks/training/processes.js"

const started = ["TF_CONFIG", "RANK", "WORLD_SIZE", "SLURM_PROCID", "TF_NUM_INTRAOP_THREADS"]

beforeEach(() => {
  for (const name of started) vi.stubEnv(name, undefined)
  // Also where there are GPUs.
  vi.stubEnv("CUDA_VISIBLE_DEVICES", "")
})
afterEach(() => vi.unstubAllEnvs())

test("processes that this one starts share the cores out, and each has one at least", () => {
  const cores = availableParallelism()
  expect(formGroup(2).processes).toMatchObject({ count: 2, rank: 0, threads: Math.max(1, Math.floor(cores / 2)) })
  expect(formGroup(cores).processes?.threads ?? 1).toBe(1)
  expect(formGroup(cores + 1).processes).toMatchObject({ threads: 1 })
})

test("whoever sets TensorFlow's own variable, or starts the processes, decides their threads", () => {
  vi.stubEnv("TF_NUM_INTRAOP_THREADS", "3")
  expect(formGroup(2).processes).toMatchObject({ count: 2, threads: undefined })
  vi.stubEnv("TF_NUM_INTRAOP_THREADS", undefined)
  const cluster = { worker: ["127.0.0.1:29501", "127.0.0.1:29502"] }
  vi.stubEnv("TF_CONFIG", JSON.stringify({ cluster, task: { type: "worker", index: 1 } }))
  const { processes } = formGroup(undefined)
  expect(processes).toMatchObject({ count: 2, rank: 1 })
  expect(processes!.threads).toBeUndefined()
})

test("a share of the cores is told once, and --threads decides otherwise", () => {
  const told: string[] = []
  const listener = listenerOf({ onLog: (line) => told.push(line) })
  const processes = { count: 2, rank: 0, threads: 3, place: () => Promise.reject(new Error("not asked for")) }
  expect(decideThreads(5, { processes }, listener)).toBe(5)
  expect(decideThreads(undefined, {}, listener)).toBeUndefined()
  expect(told).toEqual([])
  expect(decideThreads(undefined, { processes }, listener)).toBe(3)
  expect(told).toEqual([expect.stringMatching(/^threads: 3 of \d+ cores for each of 2 processes; --threads decides/)])
})

/** What a process says in which so many threads are to compute: how many it has in all, and whether another number fits later. */
function threadsOf(count: number): { readonly all: number; readonly later: readonly boolean[] } {
  const code = `
    const { setThreads } = await import("./dist/src/engine/native/load.js")
    const { startEngine } = await import("./dist/src/engine/start.js")
    const tf = await import("@tensorflow/tfjs-core")
    setThreads(${count})
    await startEngine("tensorflow")
    tf.matMul(tf.ones([64, 64]), tf.ones([64, 64])).dataSync()
    const all = (await import("node:fs")).readdirSync("/proc/self/task").length
    console.log(JSON.stringify({ all, later: [setThreads(${count}), setThreads(${count + 1})] }))`
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }))
}

test.runIf(findNative() && process.platform === "linux")(
  "as many threads compute as are asked for, from the start",
  () => {
    const [one, four] = [threadsOf(1), threadsOf(4)]
    expect(four.all - one.all).toBe(3)
    expect(one.later).toEqual([true, false])
  },
)
