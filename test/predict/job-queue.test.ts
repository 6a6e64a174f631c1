import { expect, test } from "vitest"
import { JobQueue } from "../../src/predict/job-queue.js"

/** A job that ends when it is told to. */
function job<Result>(begun: Result[], result: Result) {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const run = async () => {
    begun.push(result)
    await ended
    return result
  }
  return { run, end }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test("so many jobs run at once, the others after them in their order", async () => {
  const queue = new JobQueue(2)
  const begun: number[] = []
  const jobs = [1, 2, 3, 4].map((n) => job(begun, n))
  const results = jobs.map(({ run }) => queue.run(run))
  expect(begun).toEqual([1, 2])
  jobs[1]!.end()
  expect(await results[1]).toBe(2)
  await turn()
  expect(begun).toEqual([1, 2, 3])
  for (const { end } of jobs) end()
  expect(await Promise.all(results)).toEqual([1, 2, 3, 4])
})

test("a job that fails frees its place", async () => {
  const queue = new JobQueue(1)
  await expect(queue.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no")
  expect(await queue.run(async () => "next")).toBe("next")
})

test("a call that is given up rejects at once with the signal's reason and never runs", async () => {
  const queue = new JobQueue(1)
  const begun: number[] = []
  const first = job(begun, 1)
  const running = queue.run(first.run)
  const stop = new AbortController()
  const waiting = queue.run(job(begun, 2).run, stop.signal)
  const last = queue.run(async () => 3)
  stop.abort(new Error("enough"))
  await expect(waiting).rejects.toThrow("enough")
  await expect(queue.run(job(begun, 4).run, stop.signal)).rejects.toThrow("enough")
  first.end()
  expect([await running, await last]).toEqual([1, 3])
  expect(begun).toEqual([1])
})

test("a job that has begun is told that it is given up, and keeps its place until it ends", async () => {
  const queue = new JobQueue(1)
  const begun: number[] = []
  const stop = new AbortController()
  const first = job(begun, 1)
  let told: AbortSignal | undefined
  const running = queue.run((givenUp) => {
    told = givenUp
    return first.run()
  }, stop.signal)
  const next = queue.run(job(begun, 2).run)
  stop.abort(new Error("enough"))
  await expect(running).rejects.toThrow("enough")
  expect(told?.reason).toEqual(new Error("enough"))
  await turn()
  expect(begun).toEqual([1])
  first.end()
  await turn()
  expect(begun).toEqual([1, 2])
  next.catch(() => {})
})

test("closing rejects all calls with one reason, those that come later as well", async () => {
  const queue = new JobQueue(1)
  const begun: number[] = []
  const first = job(begun, 1)
  const calls = [queue.run(first.run), queue.run(job(begun, 2).run)]
  const reason = new Error("closed")
  queue.close(reason)
  calls.push(queue.run(job(begun, 3).run))
  const outcomes = await Promise.allSettled(calls)
  expect(outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason === reason)).toEqual([
    true,
    true,
    true,
  ])
  first.end()
  await turn()
  expect(begun).toEqual([1])
})

test("no listener stays on a signal that outlives its calls", async () => {
  const queue = new JobQueue(1)
  const { signal } = new AbortController()
  let listeners = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = ((...args: Parameters<typeof add>) => {
    listeners++
    add(...args)
  }) as typeof signal.addEventListener
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
    listeners--
    remove(...args)
  }) as typeof signal.removeEventListener
  for (let i = 0; i < 3; i++) await queue.run(async () => i, signal)
  await turn()
  expect(listeners).toBe(0)
})
