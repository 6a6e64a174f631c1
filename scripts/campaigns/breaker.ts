import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import type { Random } from "../../src/core/random.js"
import { type CallOptions, call, type Ended } from "./call.js"
import type { Job } from "./jobs.js"

/** What one broken and continued run came to. */
export interface Cycle {
  readonly what: string
  readonly kills: number
  readonly stops: number
  readonly full: number
  /** What is wrong; undefined where nothing is. */
  readonly finding?: string | undefined
}

/** Something that the unbroken run does to its files. */
interface FileOperation {
  readonly number: number
  readonly name: string
  /** Whether it can be half done, and whether it needs space. */
  readonly half: boolean
  readonly space: boolean
}

type Stop = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL" | "SIGSTOP" | "SIGTSTP" | "SIGINT twice"
const stops: readonly Stop[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGSTOP", "SIGTSTP", "SIGINT twice"]

/** Breaks runs of one job, continues each until it is done, and compares it with the unbroken one. */
export class Breaker {
  /** In order; of the writes of one file the first, the middle and the last. */
  readonly operations: readonly FileOperation[]
  readonly #job: Job
  readonly #folder: string
  readonly #engine: string
  readonly #expected: Readonly<Record<string, string>>
  /** Milliseconds that the unbroken run computes. */
  readonly #worked: number

  private constructor(job: Job, folder: string, engine: string, whole: Ended, operations: readonly FileOperation[]) {
    this.#job = job
    this.#folder = folder
    this.#engine = engine
    this.#expected = job.result(join(folder, "out"))
    this.#worked = whole.worked ?? 1000
    this.operations = operations
  }

  /** Runs a job unbroken, in a folder of its own below `root`. */
  static async open(job: Job, root: string, name: string, engine: string): Promise<Breaker> {
    const folder = join(root, name)
    mkdirSync(folder)
    const list = join(root, `${name}.operations`)
    const env = { FAULTY_FOLDER: join(folder, "out"), FAULTY_LOG: list }
    const whole = await call([...job.start, "--engine", engine], { cwd: folder, env, faulty: true })
    if (whole.code !== 0) throw new Error(`the unbroken run of ${name} failed:\n${whole.said}`)
    return new Breaker(job, folder, engine, whole, brief(readOperations(list)))
  }

  /** Up to six stops at random moments, of which half are kills. */
  async signals(random: Random): Promise<Cycle> {
    const sent: Stop[] = []
    const most = 1 + random.integer(6)
    return await this.#untilDone(sent, (round) => {
      if (round >= most) return {}
      const stop = random.integer(2) === 0 ? "SIGKILL" : stops[random.integer(stops.length)]!
      const delay = random.uniform() * this.#worked
      return {
        onWork: async (child) => {
          await setTimeout(delay)
          if (!child.kill(stop === "SIGINT twice" ? "SIGINT" : stop)) return
          sent.push(stop)
          if (stop === "SIGINT twice") {
            await setTimeout(random.integer(30))
            child.kill("SIGINT")
          } else if (stop === "SIGSTOP" || stop === "SIGTSTP") {
            await setTimeout(200)
            child.kill("SIGCONT")
          }
        },
      }
    })
  }

  /** A kill at one operation; every third time the run that goes on is killed too, at any of its first. */
  async killed(fault: string, random: Random): Promise<Cycle> {
    const at = this.operations[random.integer(this.operations.length)]?.number
    const second = random.integer(3) === 0 ? `kill-before ${at}` : undefined
    const faults = second === undefined ? [fault] : [fault, second]
    const cycle = await this.#untilDone([], (round) => this.#faulty(faults[round]))
    return { ...cycle, what: `${faults.join(", then ")} (${this.#named(fault)})` }
  }

  /** A disk that is full at one write, or from there on, and free again for the run that goes on. */
  async full(fault: string): Promise<Cycle> {
    const cycle = await this.#untilDone([], (round) => this.#faulty(round === 0 ? fault : undefined))
    return { ...cycle, what: `${fault} (${this.#named(fault)})`, full: 1 }
  }

  #faulty(fault: string | undefined): Partial<CallOptions> {
    if (fault === undefined) return {}
    return { faulty: true, env: { FAULTY_FOLDER: join(this.#folder, "out"), FAULTY_AT: fault } }
  }

  #named(fault: string): string {
    return this.operations.find(({ number }) => fault.endsWith(` ${number}`))?.name ?? ""
  }

  /** Starts, and continues until it is done; `plan` says how each call is disturbed. */
  async #untilDone(sent: readonly Stop[], plan: (round: number) => Partial<CallOptions>): Promise<Cycle> {
    const { start, resume, nothingSaved } = this.#job
    const out = join(this.#folder, "out")
    rmSync(out, { recursive: true, force: true })
    let args = start
    let told = ""
    let kills = 0
    let finding: string | undefined
    for (let round = 0; finding === undefined; round++) {
      const ended = await call([...args, "--engine", this.#engine], { cwd: this.#folder, ...plan(round) })
      told += ended.said
      finding = saidBadly(ended)
      if (ended.signal === "SIGKILL") kills++
      if (ended.code === 0) break
      const isNothing = ended.code === 3 && nothingSaved?.test(ended.said) === true
      if (!isNothing && ![null, 1, 130].includes(ended.code)) finding ??= `exit code ${ended.code}: ${lastLine(ended)}`
      if (round > 10) finding ??= `does not end: ${lastLine(ended)}`
      args = isNothing ? start : resume
    }
    finding ??= this.#differences(this.#job.result(out), told)
    const polite = sent.filter((stop) => stop !== "SIGKILL").length
    return { what: sent.join(", "), kills, stops: polite, full: 0, finding }
  }

  /** What differs from the unbroken run, but for a file that was told to be lost. */
  #differences(result: Readonly<Record<string, string>>, told: string): string | undefined {
    const lost = [...told.matchAll(/: (\S+|the run's state|the weights of epoch \d+) could not be saved: /g)].map(
      ([, what]) => what!,
    )
    const isLost = (file: string) =>
      lost.includes(file) ||
      (/epoch-/.test(file) && lost.some((what) => /epoch/.test(what))) ||
      // A best that could not be written is not the best: the others say so.
      (lost.includes("weights/best.safetensors") && /position\.json|(last|epoch-\d+)\.safetensors/.test(file))
    const names = [...new Set([...Object.keys(result), ...Object.keys(this.#expected)])]
    const wrong = names.filter((name) => result[name] !== this.#expected[name] && !isLost(name))
    if (wrong.length === 0) return undefined
    const how = (name: string) =>
      result[name] === undefined ? "is missing" : this.#expected[name] === undefined ? "is left over" : "differs"
    return wrong.map((name) => `${name} ${how(name)}`).join(", ")
  }
}

const lastLine = ({ said }: Ended) => said.trimEnd().split("\n").at(-1)

/** A stack, or a way to end that no command should have. */
function saidBadly(ended: Ended): string | undefined {
  const { code, signal, said } = ended
  const stack = /this is a bug|^ {4}at .*$/m.exec(said)
  if (stack) return `a stack: ${said.slice(Math.max(0, stack.index - 300), stack.index + 300)}`
  if (signal !== null && signal !== "SIGKILL" && code === null) {
    return ["SIGINT", "SIGTERM", "SIGHUP"].includes(signal) ? undefined : `died of ${signal}`
  }
  return undefined
}

/** A file is written tensor by tensor: most of these writes are alike. */
function brief(operations: readonly FileOperation[]): FileOperation[] {
  const kept: FileOperation[] = []
  for (let from = 0, to = 0; from < operations.length; from = to) {
    while (operations[to]?.name === operations[from]!.name) to++
    kept.push(...new Set([from, (from + to) >> 1, to - 1].map((at) => operations[at]!)))
  }
  return kept
}

function readOperations(file: string): FileOperation[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, "utf8").trimEnd().split("\n")
  return lines.map((line) => {
    const [number, name, path, can = ""] = line.split(" ") as [string, string, string, string?]
    return {
      number: Number(number),
      name: `${name} ${path}`,
      half: can.includes("half"),
      space: can.includes("space"),
    }
  })
}
