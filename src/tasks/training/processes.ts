import { createHash } from "node:crypto"
import { appendFileSync, existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { formatFault } from "../../../datasets/faults.js"
import { UsageError, UserError } from "../../core/errors.js"
import type { Parameters } from "../../core/parameters.js"
import { Cluster, clusterTimes } from "../../engine/cluster.js"
import type { ClusterPlace } from "../../engine/cluster-place.js"
import type { EngineChoice, EngineName, Precision } from "../../engine/names.js"
import { computeThreads, setThreads } from "../../engine/native/load.js"
import { expectPrecision } from "../../engine/precision.js"
import { startEngine } from "../../engine/start.js"
import type { Listener } from "../hooks.js"
import { minutesOf } from "../options/training.js"
import type { TrainHooks } from "./train-result.js"

/** How a run gets at the processes that train together with this one. */
export interface Processes {
  readonly count: number
  readonly rank: number
  /** The threads of this machine that each has for a new run; undefined where that is decided elsewhere. */
  readonly threads?: number | undefined
  /**
   * Finds out, or sees to it, where they are; called when this process is ready for them.
   * @param threads that compute in those which it starts; TensorFlow's own number when undefined
   */
  place(threads: number | undefined): Promise<ClusterPlace>
  /** Rejects when one of them has ended before it came. */
  readonly missing?: Promise<never>
}

/** How many processes train a run, which its caller has started. @throws UsageError where the options say another number */
export function countProcesses(asked: number | undefined, { processes }: TrainHooks): number {
  const count = processes?.count ?? 1
  if (asked === undefined || asked === count) return count
  throw new UsageError(
    `expected processes: ${count}, as many as there are, got ${asked}. The command line starts them; a program gives \`processes\` of its hooks`,
  )
}

/** How many threads compute in each process of a new run: those asked for, else a share of the cores. */
export function decideThreads(asked: number | undefined, { processes }: TrainHooks, { log }: Listener) {
  if (asked !== undefined || processes?.threads === undefined) return asked
  const { threads, count } = processes
  log(
    `threads: ${threads} of ${availableParallelism()} cores for each of ${count} processes; --threads decides otherwise`,
  )
  return threads
}

/** What of a run's options says how its engine is started. */
interface EngineConfig {
  readonly engine: EngineChoice
  readonly precision?: Precision
  readonly threads?: number | undefined
}

/** Starts the engine, and joins the others where there are any. */
export async function startTogether(
  config: EngineConfig & { readonly joinTimeout: string },
  { processes }: TrainHooks,
  { log }: Listener,
): Promise<Cluster | undefined> {
  if (processes === undefined || processes.count === 1) {
    log(`engine: ${await startAt(config)}`)
    return undefined
  }
  const place = await processes.place(config.threads)
  prepareProcess(place)
  const engine = await startAt(config)
  log(`engine: ${engine}, process ${place.rank} of ${place.addresses.length} at ${place.addresses[place.rank]}`)
  if (engine !== "tensorflow") {
    throw new UserError(`several processes need native TensorFlow, and this one runs ${engine}. Run: resdet setup`)
  }
  const times = { ...clusterTimes, joinMs: minutesOf(config.joinTimeout) * 60_000 }
  return await Cluster.join(place, times, processes.missing)
}

/** @throws UserError where the engine cannot compute in the precision asked for, or with so many threads */
async function startAt(config: EngineConfig): Promise<EngineName> {
  const { threads } = config
  if (threads !== undefined && !setThreads(threads)) {
    throw new UserError(
      `threads: TensorFlow has been started with ${computeThreads()} here, and keeps them. Leave it out`,
    )
  }
  const engine = await startEngine(config.engine)
  if (threads !== undefined && engine !== "tensorflow") {
    throw new UserError(`threads: ${threads} needs native TensorFlow, and this one runs ${engine}. Run: resdet setup`)
  }
  expectPrecision(config.precision ?? "float32", engine)
  return engine
}

/** What TensorFlow finds in the environment when it is loaded. */
function prepareProcess({ localRank }: ClusterPlace): void {
  // When a process dies TensorFlow prints a dozen lines in each of the others; ours says it in one.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "3"
  if (localRank === undefined) return
  const visible = process.env.CUDA_VISIBLE_DEVICES?.split(",")
  if (visible === undefined || visible.length > 1) {
    process.env.CUDA_VISIBLE_DEVICES = visible?.[localRank] ?? String(localRank)
  }
}

/** Options that may differ between machines: where things lie, and what does not change the result. */
const ownOptions = [
  "data",
  "valData",
  "weights",
  "proposals",
  "out",
  "workers",
  "threads",
  "cache",
  "keep",
  "tensorboard",
  "logEvery",
]

/** @throws UserError in every process when one has other options, data or weights than the first */
export async function expectAlike(
  cluster: Cluster,
  config: object,
  about: unknown,
  parameters: Parameters,
): Promise<void> {
  const options = Object.entries(config).filter(([name, value]) => !ownOptions.includes(name) && value !== undefined)
  const weights = createHash("sha256")
  for (const { variable } of parameters) weights.update(new Uint8Array(variable.dataSync<"float32">().slice().buffer))
  const own = { options: JSON.stringify(options), data: JSON.stringify(about), weights: weights.digest("hex") }
  const all = await cluster.exchange(own)
  for (const what of ["options", "data", "weights"] as const) {
    const rank = all.findIndex((one) => one[what] !== all[0]![what])
    if (rank < 0) continue
    throw new UserError(`process ${rank} of ${all.length} has other ${what} than process 0: start all of them alike`)
  }
}

/** What another process than the first one says: it prints nothing, and writes `process-<rank>.log` of the run's folder. */
export class ProcessLog {
  readonly #rank: number
  #lines: string[] = []
  #file: string | undefined

  constructor(rank: number) {
    this.#rank = rank
  }

  hooksOf({ signal, processes }: TrainHooks): TrainHooks {
    const onLog = (line: string) => this.#add(line)
    return { signal, processes, onLog, onFault: (fault) => onLog(formatFault(fault)) }
  }

  /** From now on lines go to the run's folder, if this machine sees it. */
  open(run: string): void {
    if (existsSync(run)) this.#file = join(run, `process-${this.#rank}.log`)
    for (const line of this.#lines.splice(0)) this.#add(line)
  }

  #add(line: string): void {
    if (this.#file === undefined) this.#lines.push(line)
    else {
      try {
        appendFileSync(this.#file, `${line}\n`)
      } catch {} // a full disk: training goes on
    }
  }
}
