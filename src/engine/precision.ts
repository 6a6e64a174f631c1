import { spawnSync } from "node:child_process"
import { UserError } from "../core/errors.js"
import type { EngineName, Precision } from "./names.js"
import { gpuQuery, nvidiaSmi } from "./native/gpu-query.js"
import { isOnCuda } from "./native/op.js"
import { processorFlags } from "./native/processor.js"
import { canRecord, isRecordingOff } from "./native/recorder.js"

/** What a processor may have for bfloat16, by Linux's names of its flags; without either it is slower than float32. */
const units = { amx_bf16: "AMX", avx512_bf16: "AVX-512" } as const

/** What this processor multiplies bfloat16 with, the fastest first; nothing where that is not known. */
export function bf16Units(flags: ReadonlySet<string> = processorFlags()): string[] {
  return Object.entries(units).flatMap(([flag, name]) => (flags.has(flag) ? [name] : []))
}

/** The compute capability of the GPU, such as `8.0`; undefined where its driver does not tell. */
function computeCapability(): string | undefined {
  const { stdout, status } = spawnSync(nvidiaSmi, gpuQuery("compute_cap"), { encoding: "utf8", timeout: 10_000 })
  return status === 0 ? /^\d+\.\d+$/m.exec(stdout)?.[0] : undefined
}

/** What a machine is asked for: its processor's units, and its GPU's compute capability. */
interface Machine {
  readonly units: () => readonly string[]
  readonly capability: () => string | undefined
}

const thisMachine: Machine = { units: () => bf16Units(), capability: computeCapability }

/** @throws UserError where the engine that runs cannot compute in a precision */
export function expectPrecision(precision: Precision, engine: EngineName, machine: Machine = thisMachine): void {
  if (precision === "float32") return
  const why = whyNoBf16(engine, machine)
  if (why !== undefined) throw new UserError(`--precision bf16: ${why}. Leave --precision out`)
}

function whyNoBf16(engine: EngineName, { units, capability }: Machine): string | undefined {
  if (engine !== "tensorflow") return `it takes native TensorFlow, got the engine ${engine}`
  if (isRecordingOff()) return "RESDET_RECORD=off forbids it"
  if (isOnCuda()) {
    const own = capability()
    // Older GPUs have no units for it, and cuDNN no convolutions.
    if (own !== undefined && Number(own) < 8)
      return `it takes a GPU of compute capability 8.0 or newer, this one has ${own}`
  } else if (units().length === 0) return "this processor has neither AVX512_BF16 nor AMX"
  if (!canRecord()) return "it takes the native TensorFlow that resdet setup builds"
  return undefined
}
