import { UsageError } from "../core/errors.js"

/** Where a process stands among those that train together. */
export interface ClusterPlace {
  /** `host:port` of each process, by rank: there it listens for the others. */
  readonly addresses: readonly string[]
  readonly rank: number
  /** Which of this machine's processes it is: it takes the GPU of that number. Undefined where it may take any that it sees. */
  readonly localRank?: number | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Where a process stands, by what started it: TensorFlow's `TF_CONFIG`, torchrun's variables (one machine), or Slurm's `srun`.
 * Undefined for a process of its own.
 * @param hostsOf the names in a list of Slurm's, such as `node[1-3]`
 * @throws UsageError for variables that make no sense
 */
export function clusterPlace(env: Environment, hostsOf: (list: string) => readonly string[]): ClusterPlace | undefined {
  return ofTensorFlow(env) ?? ofTorchrun(env) ?? ofSlurm(env, hostsOf)
}

/** @source https://www.tensorflow.org/guide/distributed_training: `cluster` with `chief` and `worker`, and `task` */
function ofTensorFlow({ TF_CONFIG }: Environment): ClusterPlace | undefined {
  if (!TF_CONFIG) return undefined
  const expected = 'expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
  let config: { cluster?: { chief?: unknown; worker?: unknown }; task?: { type?: unknown; index?: unknown } }
  try {
    config = JSON.parse(TF_CONFIG) as typeof config
  } catch (error) {
    throw new UsageError(`TF_CONFIG: ${(error as Error).message}; ${expected}`)
  }
  const [chief, worker] = [config.cluster?.chief, config.cluster?.worker].map((list) => list ?? [])
  const addresses = [chief, worker].flat() as unknown[]
  const { type, index } = config.task ?? {}
  const rank = type === "worker" ? (chief as unknown[]).length + Number(index) : Number(index)
  const isKnown =
    (type === "worker" || type === "chief") && Number.isInteger(rank) && rank >= 0 && rank < addresses.length
  if (!isKnown || !addresses.every((address) => typeof address === "string" && /.:\d+$/.test(address))) {
    throw new UsageError(`TF_CONFIG: ${expected}, got ${TF_CONFIG}`)
  }
  return several({ addresses: addresses as string[], rank })
}

/** @source https://docs.pytorch.org/docs/stable/elastic/run.html: environment variables */
function ofTorchrun(env: Environment): ClusterPlace | undefined {
  const { RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE = WORLD_SIZE, MASTER_PORT = "29500" } = env
  if (RANK === undefined || WORLD_SIZE === undefined) return undefined
  if (LOCAL_WORLD_SIZE !== WORLD_SIZE) {
    throw new UsageError("torchrun's variables do not name the other machines: set TF_CONFIG on each, or use srun")
  }
  // torchrun itself listens on MASTER_PORT.
  const addresses = Array.from({ length: Number(WORLD_SIZE) }, (_, i) => `127.0.0.1:${Number(MASTER_PORT) + 1 + i}`)
  return several({ addresses, rank: Number(RANK), localRank: Number(LOCAL_RANK ?? RANK) })
}

/**
 * Tasks in blocks, node by node. Slurm shares out GPUs itself where it was asked for them.
 * @source TensorFlow's SlurmClusterResolver; https://slurm.schedmd.com/srun.html
 */
function ofSlurm(env: Environment, hostsOf: (list: string) => readonly string[]): ClusterPlace | undefined {
  const { SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_STEP_NODELIST, SLURM_STEP_TASKS_PER_NODE } = env
  if (SLURM_PROCID === undefined || SLURM_STEP_NODELIST === undefined || Number(SLURM_STEP_NUM_TASKS ?? 1) < 2) {
    return undefined
  }
  // Such as `2(x3),1`.
  const counts = (SLURM_STEP_TASKS_PER_NODE ?? SLURM_STEP_NUM_TASKS)!.split(",").flatMap((part) => {
    const [, tasks, times = "1"] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? []
    return new Array<number>(Number(times)).fill(Number(tasks))
  })
  const hosts = hostsOf(SLURM_STEP_NODELIST)
  // Two jobs on one node have other ports, below those that the system gives out.
  const port = 12_000 + ((Number(env.SLURM_JOB_ID ?? 0) * 64 + Number(env.SLURM_STEP_ID ?? 0) * 16) % 20_000)
  const addresses = hosts.flatMap((host, node) => {
    const name = hosts.length === 1 ? "127.0.0.1" : host
    return Array.from({ length: counts[node] ?? 0 }, (_, i) => `${name}:${port + i}`)
  })
  if (addresses.length !== Number(SLURM_STEP_NUM_TASKS)) {
    throw new UsageError(
      `Slurm's variables do not fit together: ${SLURM_STEP_NUM_TASKS} tasks, ${SLURM_STEP_TASKS_PER_NODE} on ${SLURM_STEP_NODELIST}`,
    )
  }
  const localRank = env.CUDA_VISIBLE_DEVICES === undefined ? Number(env.SLURM_LOCALID ?? 0) : undefined
  return several({ addresses, rank: Number(SLURM_PROCID), localRank })
}

/** One process alone needs no others. */
const several = (place: ClusterPlace): ClusterPlace | undefined => (place.addresses.length > 1 ? place : undefined)
