import { readFileSync } from "node:fs"
import { UserError } from "../core/errors.js"
import type { EngineName, Precision } from "./names.js"
import { canRecord, isRecordingOff } from "./native/recorder.js"

/** What a processor may have for bfloat16, by Linux's names of its flags; without either it is slower than float32. */
const units = { amx_bf16: "AMX", avx512_bf16: "AVX-512" } as const

/** What this processor multiplies bfloat16 with, the fastest first; nothing where that is not known. */
export function bf16Units(cpuInfo: string = readCpuInfo()): string[] {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuInfo)?.[1]?.split(/\s+/))
  return Object.entries(units).flatMap(([flag, name]) => (flags.has(flag) ? [name] : []))
}

/** @throws UserError where the engine that runs cannot compute in a precision */
export function expectPrecision(precision: Precision, engine: EngineName, has: readonly string[] = bf16Units()): void {
  if (precision === "float32") return
  const why = whyNoBf16(engine, has)
  if (why !== undefined) throw new UserError(`--precision bf16: ${why}. Leave --precision out`)
}

function whyNoBf16(engine: EngineName, has: readonly string[]): string | undefined {
  if (engine !== "tensorflow") return `it takes native TensorFlow, got the engine ${engine}`
  if (isRecordingOff()) return "RESDET_RECORD=off forbids it"
  if (has.length === 0) return "this processor has neither AVX512_BF16 nor AMX"
  if (!canRecord()) return "it takes the native TensorFlow that resdet setup builds, on a processor"
  return undefined
}

function readCpuInfo(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8")
  } catch {
    return ""
  }
}
