import { spawn } from "node:child_process"
import { createServer } from "node:net"
import { join } from "node:path"
import { expect, test } from "vitest"
import { findNative } from "../../src/engine/native/cache.js"
import { expectClose } from "../support/close.js"
import { slowTest } from "../support/slow-test.js"

const native = findNative() !== undefined

type Run = Readonly<Record<string, unknown>> & {
  readonly weight: readonly number[]
  readonly mean: readonly number[]
  readonly before: readonly number[]
  readonly batchMeans: readonly (readonly number[])[]
  readonly batchesSeen: readonly number[]
  readonly told: readonly unknown[]
  readonly left: number
}
type Recorded = Readonly<Record<"classifier" | "detector", Readonly<Record<string, unknown>>>>
interface Results {
  readonly whole: Run
  readonly lost: Run
  readonly one: Run
  readonly spoilt: Run
  readonly stopped: Run
  readonly recorded: Recorded
  readonly eager: Recorded
  readonly shared: Readonly<Record<string, number>>
  readonly texts: readonly string[]
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map((server) => {
      return new Promise<number>((resolve) => {
        server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port))
      })
    }),
  )
  for (const server of servers) server.close()
  return ports
}

const running: ReturnType<typeof spawn>[] = []

function start(about: object): Promise<string[]> {
  const child = spawn(process.execPath, [join("test", "support", "together.mjs"), JSON.stringify(about)])
  running.push(child)
  let said = ""
  child.stdout.on("data", (text) => {
    said += text
  })
  child.stderr.on("data", (text) => {
    said += text
  })
  return new Promise((resolve) => child.once("close", () => resolve(said.trim().split("\n"))))
}

/** The lines that so many processes print: their results first. */
async function together(size: number, { ending, accumulate = size }: { ending?: string; accumulate?: number } = {}) {
  const addresses = (await freePorts(size)).map((port) => `127.0.0.1:${port}`)
  const times = { joinMs: 60_000, silentMs: 5000, ending }
  const processes = addresses.map((_, rank) => start({ addresses, rank, accumulate, times }))
  // A process that was stopped stays until it is killed.
  if (ending === "SIGSTOP") Promise.all([processes[0]]).then(() => running.at(-1)!.kill("SIGKILL"))
  const said = await Promise.all(processes)
  return said.map(([first, ...lines]) => ({ results: parse(first!), lines }))
}

type Said = Awaited<ReturnType<typeof together>>[number]

function parse(line: string): Results {
  try {
    return JSON.parse(line) as Results
  } catch {
    throw new Error(line)
  }
}

let pair: readonly [alone: Said, first: Said, second: Said] | undefined

/** One process that accumulates two batches, and two processes: started for the first test that asks. */
async function twoBesideOne(): Promise<NonNullable<typeof pair>> {
  if (pair === undefined) {
    const [alone] = await together(1, { accumulate: 2 })
    const [first, second] = await together(2, { ending: "fail" })
    pair = [alone!, first!, second!]
  }
  return pair
}

test.runIf(native)("two processes are one that accumulates two batches, bit for bit", async () => {
  const [alone, first, second] = await twoBesideOne()
  for (const run of ["whole", "lost"] as const) {
    const { mean: _, batchesSeen: __, ...expected } = alone.results[run]
    expect(first.results[run]).toMatchObject({ ...expected, left: 0 })
    expect(second.results[run].weight).toEqual(expected.weight)
    // The first process alone keeps and tells.
    expect(second.results[run]).toMatchObject({ position: expected.position, told: [] })
  }
  // Of five batches the last step has one: the second process has none.
  expect(alone.results.whole.batchesSeen).toEqual([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
  expect(first.results.whole.batchesSeen).toEqual([0, 2, 4, 0, 2, 4])
  expect(second.results.whole.batchesSeen).toEqual([1, 3, 1, 3])
  // A step whose batches were all lost is none.
  expect(first.results.lost).toMatchObject({ position: { step: 4 }, batchesSeen: [0, 4, 0, 4] })

  // Running statistics are the means over the processes, after 0.9 of the old and 0.1 of each batch's.
  const means = [first, second].map(({ results }) => results.one.mean)
  expect(means[0]).toEqual(means[1])
  const { before, batchMeans } = first.results.one
  const expected = before.map((value, k) => 0.9 * value + (0.1 * (batchMeans[0]![k]! + batchMeans[1]![k]!)) / 2)
  expectClose(means[0]!, expected, 1e-6)

  // What one process has seen ends them all alike, and is told by its picture.
  const spoilt = { error: expect.stringMatching(/^DivergedError: training diverged at step 2 \(epoch 1\).*picture 3/) }
  for (const { results } of [alone, first, second]) expect(results.spoilt).toMatchObject(spoilt)
  expect(second.results.spoilt).toEqual(first.results.spoilt)

  // One is asked to stop, in the first step; all stop after it, and the first one saves.
  expect(first.results.stopped).toMatchObject({
    position: { step: 1, batch: 2 },
    told: [expect.anything(), "saved 1"],
  })
  expect(second.results.stopped).toMatchObject({ position: { step: 1, batch: 2 }, told: [] })

  expect(second.results.shared).toEqual({ 0: 1, 1: 0, 2: 7 })
  expect(first.results.texts.map((text) => text.length)).toEqual([0, 900])
  expect(first.lines).toEqual(["PeerError: process 1 of 2 ended: the disk is full"])
})

test.runIf(native).each([
  // A step runs one function, and a detector's also the frozen layers', the heads' and the second half of its own.
  ["classifier", 1],
  ["detector", 4],
] as const)(
  "recorded steps of a %s in two processes are one's, and those of a tape, bit for bit",
  async (kind, each) => {
    const [alone, first, second] = await twoBesideOne()
    // The first batch of a shape runs as it is, and the second is recorded: of 10, 6 and 4 batches.
    const counts = [alone, first, second].map(({ results }) => results.recorded[kind].functionsRun)
    expect(counts).toEqual([8 * each, 4 * each, 2 * each])
    const { functionsRun, ...tape } = alone.results.eager[kind]
    expect(functionsRun).toBe(0)
    expect(tape).toMatchObject({ left: 0, position: { epoch: 2, step: 6 } })
    for (const { results } of [alone, first]) {
      expect(results.recorded[kind]).toMatchObject(tape)
      expect(results.eager[kind]).toMatchObject(tape)
    }
    expect(second.results.recorded[kind]).toMatchObject({ ...tape, told: [] })
  },
)

slowTest.runIf(native)(
  "three processes repeat themselves bit for bit, and are close to one that accumulates three",
  async () => {
    const [alone] = await together(1, { accumulate: 3 })
    const [once] = await together(3)
    const [again] = await together(3)
    expect(again!.results).toEqual(once!.results)
    const apart = once!.results.whole.weight.map((value, i) => Math.abs(value - alone!.results.whole.weight[i]!))
    expect(Math.max(...apart)).toBeLessThanOrEqual(1e-7)
  },
)

slowTest.runIf(native).each([
  ["SIGKILL", /^LostProcessError: process 1 \(127\.0\.0\.1:\d+\) has ended; the 2 processes end$/],
  ["SIGSTOP", /^LostProcessError: process 1 \(127\.0\.0\.1:\d+\) does not answer; the 2 processes end$/],
])("a process that is gone by %s ends the others, which name it", async (ending, line) => {
  const [first] = await together(2, { ending })
  expect(first!.lines).toEqual([expect.stringMatching(line)])
})

slowTest.runIf(native)("a process whose others do not come gives up", async () => {
  const addresses = (await freePorts(2)).map((port) => `127.0.0.1:${port}`)
  const said = await Promise.all(
    [0, 1].map((rank) =>
      start({
        addresses: [...addresses].map((a, i) => (i === rank ? a : "127.0.0.1:9")),
        rank,
        accumulate: 1,
        times: { joinMs: 2000, silentMs: 5000 },
      }),
    ),
  )
  expect(said[0]!.join("\n")).toMatch(/the others have not all come within 2 s/)
  expect(said[1]!.join("\n")).toMatch(/the first process has not come within 2 s/)
})
