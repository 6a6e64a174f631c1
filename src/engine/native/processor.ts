import { readFileSync } from "node:fs"

/** What this processor can do, by Linux's names such as `avx512f`; nothing where the system does not tell. */
export function processorFlags(cpuInfo: string = readCpuInfo()): ReadonlySet<string> {
  return new Set(/^flags\s*:\s*(.*)$/m.exec(cpuInfo)?.[1]?.split(/\s+/))
}

function readCpuInfo(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8")
  } catch {
    return ""
  }
}
