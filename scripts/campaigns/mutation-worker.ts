import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { complain } from "../../src/cli/report.js"
import { UserError } from "../../src/core/errors.js"
import { mutate } from "./mutate.js"
import { type Examined, type Reader, type ReaderName, readers } from "./readers.js"

// A process of its own, that reads mutated files one after the other and tells what came of each.

export interface Task {
  readonly reader: ReaderName
  readonly seed: number
  /** Prints what is printed. */
  readonly show?: boolean
}

export interface Told extends Task {
  readonly outcome: "accepted" | "refused" | "finding"
  readonly finding?: string
}

/** Bytes that reading a file below a megabyte may take. */
const mostMemory = 1e9
/** Letters in a line. */
const longestLine = 3000
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/

interface Read {
  readonly code: number
  readonly out: string
  readonly err: string
}

let prepared: { name: ReaderName; folder: string; original: Uint8Array; fine: Examined; said: string } | undefined

process.on("message", async (task: Task) => {
  process.send!(await tried(task))
})
process.on("disconnect", () => {
  leave()
  process.exit()
})

async function tried(task: Task): Promise<Told> {
  const reader: Reader = readers[task.reader]
  try {
    if (prepared?.name !== task.reader) await prepare(task.reader, reader)
  } catch (error) {
    return { ...task, outcome: "finding", finding: (error as Error).message }
  }
  const { folder, original, fine, said } = prepared!
  const bytes = mutate(original, task.seed, reader.isText === true)
  writeFileSync(join(folder, reader.target), bytes)
  rmSync(join(folder, "merged"), { recursive: true, force: true })
  const before = residentNow()
  forgetPeak()
  let read: Read
  let examined: Examined = {}
  try {
    read = await run(reader)
    if (read.code === 0) examined = (await reader.examine?.(read.out)) ?? {}
  } catch (error) {
    return { ...task, outcome: "finding", finding: `a stack: ${(error as Error).stack ?? error}` }
  }
  if (task.show) process.stderr.write(`${bytes.length} bytes, exit code ${read.code}\n${read.out}${read.err}`)
  const lost = (fine.objects ?? 0) - (examined.objects ?? 0)
  const text = read.out + read.err
  // A JSON document has names as they are.
  const messages = read.out.startsWith("{") ? read.err : text
  const findings = [
    /this is a bug|^ {4}at /m.test(text) && `a stack: ${text}`,
    control.test(text) && `control characters: ${JSON.stringify(text.slice(0, 400))}`,
    messages.split("\n").some(({ length }) => length > longestLine) && `a line of ${messages.length} letters`,
    peak() - before > mostMemory && bytes.length < 1e6 && `${Math.round((peak() - before) / 1e6)} MB`,
    examined.wrong && `accepted ${examined.wrong}`,
    read.code === 0 && lost > 0 && read.err === said && `${lost} objects lost in silence`,
    ![0, 1, 2, 3].includes(read.code) && `exit code ${read.code}`,
    read.code !== 0 && read.err.trim() === "" && read.out.trim() === "" && `exit code ${read.code} and no word`,
  ]
  const finding = findings.find((one) => typeof one === "string")
  if (typeof finding === "string") return { ...task, outcome: "finding", finding }
  return { ...task, outcome: read.code === 0 ? "accepted" : "refused" }
}

async function prepare(name: ReaderName, reader: Reader): Promise<void> {
  leave()
  const folder = mkdtempSync(join(tmpdir(), "resdet-mutations-"))
  process.chdir(folder)
  for (const [path, content] of Object.entries(await reader.files())) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const { code, err, out } = await run(reader)
  if (code !== 0) throw new Error(`${name}: the file as it is ends with exit code ${code}: ${err}`)
  const fine = (await reader.examine?.(out)) ?? {}
  prepared = { name, folder, original: readFileSync(join(folder, reader.target)), fine, said: err }
}

/** Reads, and keeps what is printed. @throws what is a bug */
async function run(reader: Reader): Promise<Read> {
  const written = { out: "", err: "" }
  const [stdout, stderr] = [process.stdout.write, process.stderr.write]
  const keep = (where: keyof typeof written) => (text: unknown) => {
    written[where] += String(text)
    return true
  }
  process.stdout.write = keep("out") as typeof stdout
  process.stderr.write = keep("err") as typeof stderr
  try {
    return { code: (await reader.read()) ?? 0, ...written }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    complain(error.message)
    return { code: error.exitCode, ...written }
  } finally {
    process.stdout.write = stdout
    process.stderr.write = stderr
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal)
    for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners("error")
  }
}

function leave(): void {
  process.chdir(tmpdir())
  if (prepared !== undefined) rmSync(prepared.folder, { recursive: true, force: true })
  prepared = undefined
}

const residentNow = () => process.memoryUsage.rss()

/** The most memory since `forgetPeak`; Linux tells it. */
function peak(): number {
  const status = statusOf()
  return status === undefined ? residentNow() : 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1])
}

function statusOf(): string | undefined {
  try {
    return readFileSync("/proc/self/status", "latin1")
  } catch {
    return undefined
  }
}

function forgetPeak(): void {
  try {
    writeFileSync("/proc/self/clear_refs", "5")
  } catch {} // not on Linux
}
