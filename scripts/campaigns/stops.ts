/**
 * Stops and kills runs, fills their disk, continues each until it is done, and compares it with the unbroken run.
 *
 *   npm run -s build
 *   node dist/scripts/campaigns/stops.js --faults signals --jobs classify,rpn --count 60 --seed 1
 *   node dist/scripts/campaigns/stops.js --faults kills --jobs classify     # before and within each file operation
 *   node dist/scripts/campaigns/stops.js --faults full-disk --jobs detect   # at each write, once and from there on
 *
 * `--count` stops (signals) or operations (the others; all when left out, else so many drawn by the seed). Ctrl-C ends it after the run
 * at hand, with what was counted. Ends with exit code 1 when anything differs.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { log, print } from "../../src/cli/report.js"
import { UsageError } from "../../src/core/errors.js"
import { mixSeeds, type Random, seededRandom, shuffleFirst } from "../../src/core/random.js"
import { parseFlags } from "../flags.js"
import { Breaker, type Cycle } from "./breaker.js"
import { type JobName, jobs, prepareJobs } from "./jobs.js"

const { values } = parseFlags({
  options: {
    faults: { type: "string", default: "signals" },
    jobs: { type: "string", default: Object.keys(jobs).join(",") },
    count: { type: "string" },
    seed: { type: "string", default: "1" },
    engine: { type: "string", default: "auto" },
    "keep-bad": { type: "boolean", default: false },
  },
})
const names = values.jobs.split(",") as JobName[]
const unknown = names.find((name) => !Object.hasOwn(jobs, name))
if (unknown !== undefined) throw new UsageError(`unknown job ${unknown}. Known: ${Object.keys(jobs).join(", ")}`)

const kinds = values.faults.split(",")
if (!kinds.every((kind) => ["signals", "kills", "full-disk"].includes(kind))) {
  throw new UsageError("--faults: expected signals, kills or full-disk")
}

const root = mkdtempSync(join(tmpdir(), "resdet-stops-"))
let bad = 0
let isEnding = false
process.on("SIGINT", () => {
  isEnding = true
})
try {
  await prepareJobs(root, names, values.engine)
  for (const name of names) {
    const breaker = await Breaker.open(jobs[name], root, name, values.engine)
    const tally = { cycles: 0, kills: 0, stops: 0, full: 0, bad: 0 }
    for await (const { what, finding, kills, stops, full } of cycles(breaker)) {
      tally.cycles++
      tally.kills += kills
      tally.stops += stops
      tally.full += full
      if (finding !== undefined) {
        tally.bad++
        log(`${name}, ${what}: ${finding}`)
      }
      if (isEnding) break
    }
    print(`${name} ${JSON.stringify(tally)}`)
    bad += tally.bad
    if (isEnding) break
  }
} finally {
  if (bad === 0 || !values["keep-bad"]) rmSync(root, { recursive: true, force: true })
  else log(`kept: ${root}`)
}
process.exitCode = bad === 0 ? 0 : 1

async function* cycles(breaker: Breaker): AsyncGenerator<Cycle> {
  const seed = Number(values.seed)
  const most = values.count === undefined ? undefined : Number(values.count)
  const random = seededRandom(seed)
  for (const kind of kinds) {
    if (kind === "signals") {
      for (let done = 0, cycle = 0; done < (most ?? 60); cycle++) {
        const one = await breaker.signals(seededRandom(mixSeeds(seed, cycle)))
        done += one.kills + one.stops
        yield one
      }
    } else if (kind === "kills") {
      const faults = breaker.operations.flatMap(({ number, half }) => [
        `kill-before ${number}`,
        ...(half ? [`kill-within ${number}`] : []),
      ])
      for (const fault of drawn(faults, most, random)) yield await breaker.killed(fault, random)
    } else {
      const writes = breaker.operations.filter(({ space }) => space)
      const faults = writes.flatMap(({ number }) => [`full-once ${number}`, `full-from ${number}`])
      for (const fault of drawn(faults, most, random)) yield await breaker.full(fault)
    }
  }
}

function drawn<T>(items: readonly T[], most: number | undefined, random: Random): readonly T[] {
  const mixed = [...items]
  if (most === undefined) return mixed
  shuffleFirst(mixed, most, random)
  return mixed.slice(0, most)
}
