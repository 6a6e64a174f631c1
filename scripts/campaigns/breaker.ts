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
const ends: readonly Stop[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGINT twice"]
const pauses: readonly Stop[] = ["SIGSTOP", "SIGTSTP"]

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
    if (whole.code !== 0 || lostIn(whole.said).length > 0) {
      throw new Error(`the unbroken run of ${name} failed:\n${whole.said}`)
    }
    return new Breaker(job, folder, engine, whole, brief(readOperations(list)))
  }

  /** Up to six calls that are stopped at random moments, half of them by a kill; every second one was paused before. */
  async signals(random: Random): Promise<Cycle> {
    const sent: Stop[] = []
    const most = 1 + random.integer(6)
    return await this.#untilDone(sent, (round) => {
      if (round >= most) return {}
      const end = random.integer(2) === 0 ? "SIGKILL" : ends[random.integer(ends.length)]!
      const planned = random.integer(2) === 0 ? [pauses[random.integer(pauses.length)]!, end] : [end]
      // Less and less is left to do.
      const longest = this.#worked / (1 + round) / planned.length
      const delays = planned.map(() => random.uniform() * longest)
      const gap = random.integer(30)
      return {
        onWork: async (child) => {
          for (const [at, stop] of planned.entries()) {
            await setTimeout(delays[at])
            if (!child.kill(stop === "SIGINT twice" ? "SIGINT" : stop)) return
            if (stop === "SIGSTOP" || stop === "SIGTSTP") {
              await setTimeout(100)
              if (isPaused(child.pid)) sent.push(stop)
              child.kill("SIGCONT")
              continue
            }
            sent.push(stop)
            if (stop !== "SIGINT twice") continue
            await setTimeout(gap)
            child.kill("SIGINT")
          }
        },
      }
    })
  }

  /** A kill at one operation, and up to three more while it goes on, at any of the first operations. */
  async killed(fault: string, random: Random): Promise<Cycle> {
    const faults = [fault]
    for (let more = random.integer(4); more > 0; more--) {
      const at = this.operations[random.integer(Math.ceil(this.operations.length / 2))]!
      faults.push(`${at.half && random.integer(2) === 0 ? "kill-within" : "kill-before"} ${at.number}`)
    }
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
    const lost = lostIn(told)
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

/** Whether a process is stopped; SIGTSTP does nothing to one that no shell with job control looks after. Known on Linux alone. */
function isPaused(pid: number): boolean {
  const stat = `/proc/${pid}/stat`
  return existsSync(stat) && /\) T/.test(readFileSync(stat, "latin1"))
}

/** What a run told that it could not save. */
const lostIn = (told: string) =>
  [
    ...told.matchAll(/: (\S+|the run's state|the state to go back to|the weights of epoch \d+) could not be saved: /g),
  ].map(([, what]) => what!)

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
