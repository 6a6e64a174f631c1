import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { createServer } from "node:net"
import { availableParallelism } from "node:os"
import { setTimeout } from "node:timers/promises"
import { UsageError, UserError } from "../core/errors.js"
import { type ClusterPlace, clusterPlace } from "../engine/cluster-place.js"
import { areThreadsGiven, gpuCount, threadsEnvironment } from "../engine/native/load.js"
import type { Processes } from "../tasks/training/processes.js"

/** The processes of a run as this one knows them. */
export interface Group {
  /** Undefined for a process alone. */
  readonly processes: Processes | undefined
  /** Waits for those that this process has started, and ends those that do not end. */
  end(isWell: boolean): Promise<void>
}

/** So long those that were started may take to end by themselves. */
const patience = { well: 20_000, ill: 2000 }

/**
 * What `--processes` asks for, or what srun, torchrun or TF_CONFIG has started.
 * @throws UsageError where the two do not agree, or there are too few GPUs
 */
export function formGroup(asked: number | undefined): Group {
  const place = clusterPlace(process.env, slurmHosts)
  if (place === undefined) return asked === undefined || asked === 1 ? alone : startOthers(asked)
  const count = place.addresses.length
  if (asked !== undefined && asked !== count) {
    throw new UsageError(
      `--processes ${asked}: ${count} have been started (by srun, torchrun or TF_CONFIG). Leave it out`,
    )
  }
  return { processes: { count, rank: place.rank, place: async () => place }, end: async () => {} }
}

const alone: Group = { processes: undefined, end: async () => {} }

/** This process is the first; the others are the same command with a TF_CONFIG, when this one is ready for them. */
function startOthers(count: number): Group {
  const gpus = gpuCount()
  const isOnGpus = gpus > 0 && process.env.CUDA_VISIBLE_DEVICES !== ""
  if (isOnGpus && count > gpus)
    throw new UsageError(`--processes ${count}: there are ${gpus} GPUs, one for each process`)
  const threads = isOnGpus || areThreadsGiven() ? undefined : Math.max(1, Math.floor(availableParallelism() / count))
  const children: ChildProcess[] = []
  let miss: (error: Error) => void = () => {}
  const missing = new Promise<never>((_, reject) => {
    miss = reject
  })
  missing.catch(() => {}) // told where it is waited for
  const placeOf = (addresses: readonly string[], rank: number): ClusterPlace => {
    return { addresses, rank, localRank: isOnGpus ? rank : undefined }
  }
  const place = async (own: number | undefined) => {
    const addresses = (await freePorts(count)).map((port) => `127.0.0.1:${port}`)
    const devices = process.env.CUDA_VISIBLE_DEVICES?.split(",")
    for (let rank = 1; rank < count; rank++) {
      const TF_CONFIG = JSON.stringify({ cluster: { worker: addresses }, task: { type: "worker", index: rank } })
      const gpu = isOnGpus ? { CUDA_VISIBLE_DEVICES: devices?.[rank] ?? String(rank) } : {}
      const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
        env: { ...process.env, ...gpu, ...(own && threadsEnvironment(own)), TF_CONFIG },
        stdio: ["ignore", "ignore", "inherit"],
      })
      child.once("error", (error) => miss(new UserError(`process ${rank} did not start: ${error.message}`)))
      child.once("exit", (code, signal) => {
        miss(new UserError(`process ${rank} ended (${signal ?? `exit code ${code}`}) before it had joined`))
      })
      children.push(child)
    }
    return placeOf(addresses, 0)
  }
  const end = async (isWell: boolean) => {
    const living = () => children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    const until = performance.now() + (isWell ? patience.well : patience.ill)
    while (living().length > 0 && performance.now() < until) await setTimeout(50)
    for (const child of living()) child.kill("SIGKILL")
  }
  return { processes: { count, rank: 0, threads, place, missing }, end }
}

/** Ports that nobody listens on at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
        const server = createServer().once("error", reject)
        server.listen(0, "127.0.0.1", () => resolve(server))
      })
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** @source TensorFlow's SlurmClusterResolver */
function slurmHosts(list: string): string[] {
  try {
    return execFileSync("scontrol", ["show", "hostnames", list], { encoding: "utf8" }).trim().split("\n")
  } catch (error) {
    if (!/[[,]/.test(list)) return [list]
    throw new UserError(`scontrol show hostnames ${list}: ${(error as Error).message.split("\n")[0]}`)
  }
}
