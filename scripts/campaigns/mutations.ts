/**
 * Reads mutated files by every reader. A finding is a stack, more than 10 s, more than 1 GB, control characters in what is printed,
 * or nonsense that is accepted; it has a number, by which it comes again.
 *
 *   npm run -s build
 *   node dist/scripts/campaigns/mutations.js --count 1500
 *   node dist/scripts/campaigns/mutations.js --readers coco-truths,png --count 100 --first 5001
 *   node dist/scripts/campaigns/mutations.js --readers coco-truths --first 17 --count 1 --show
 *
 * Ends with exit code 1 when there are findings.
 */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import { log, print } from "../../src/cli/report.js"
import { UsageError } from "../../src/core/errors.js"
import { packageFolder } from "../../src/core/own-package.js"
import { parseFlags } from "../flags.js"
import { type Longest, watchHang } from "./hang.js"
import type { Task, Told } from "./mutation-worker.js"
import { type ReaderName, readers } from "./readers.js"

/** What a file may take. */
const longest: Longest = { computed: 10_000, waited: 60_000 }
/** So many files are read by one process: what a reader keeps is no finding. */
const filesAProcess = 250

const { values } = parseFlags({
  options: {
    readers: { type: "string", default: Object.keys(readers).join(",") },
    count: { type: "string", default: "100" },
    first: { type: "string", default: "1" },
    show: { type: "boolean", default: false },
  },
})
const names = values.readers.split(",") as ReaderName[]
const unknown = names.find((name) => !Object.hasOwn(readers, name))
if (unknown !== undefined) throw new UsageError(`unknown reader ${unknown}. Known: ${Object.keys(readers).join(", ")}`)

const [first, count] = [Number(values.first), Number(values.count)]
let child: ChildProcess | undefined
let read = 0
let findings = 0
for (const reader of names) {
  const tally = { accepted: 0, refused: 0, finding: 0 }
  for (let seed = first; seed < first + count; seed++) {
    const isOver = child === undefined || child.exitCode !== null || child.signalCode !== null
    if (isOver || read % filesAProcess === 0) {
      leave()
      child = fork(join(packageFolder(), "dist/scripts/campaigns/mutation-worker.js"), { execArgv: [] })
    }
    read++
    const { outcome, finding } = await ask(child!, { reader, seed, show: values.show })
    tally[outcome]++
    if (finding !== undefined) log(`${reader} ${seed}: ${finding}`)
  }
  findings += tally.finding
  print(`${reader} ${JSON.stringify(tally)}`)
}
leave()
process.exitCode = findings === 0 ? 0 : 1

function leave(): void {
  if (child?.connected) child.disconnect()
}

/** What came of one file; a process that dies or hangs is a finding, and is gone then. */
function ask(child: ChildProcess, task: Task): Promise<Told> {
  return new Promise((resolve) => {
    const unwatch = watchHang(child, longest, (what) => {
      child.once("exit", () => end({ ...task, outcome: "finding", finding: what }))
      child.off("exit", onExit)
      child.kill("SIGKILL")
    })
    const onExit = (code: number | null, signal: NodeJS.Signals | null) =>
      end({ ...task, outcome: "finding", finding: `the process died: ${signal ?? code}` })
    const end = (told: Told) => {
      unwatch()
      child.off("exit", onExit)
      child.off("message", end)
      resolve(told)
    }
    child.once("exit", onExit)
    child.once("message", end)
    child.send(task)
  })
}
