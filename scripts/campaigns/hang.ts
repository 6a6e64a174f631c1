import type { ChildProcess } from "node:child_process"
import { readFileSync } from "node:fs"

/** Milliseconds of computing, and of waiting: where the machine is busy a process gets its turn seldom. */
export interface Longest {
  readonly computed: number
  readonly waited: number
}

/** Tells once when a process takes longer than it may from now on. @returns what ends the watch */
export function watchHang(child: ChildProcess, longest: Longest, onHang: (what: string) => void): () => void {
  const [began, computed] = [Date.now(), cpuOf(child)]
  const timer = setInterval(() => {
    const took = cpuOf(child) - computed
    const waited = Date.now() - began
    if (took < longest.computed && waited < longest.waited) return
    clearInterval(timer)
    onHang(`hangs: ${took} ms computed, ${waited} waited`)
  }, 200)
  return () => clearInterval(timer)
}

/** Milliseconds that a process has computed; 0 where the system does not tell. */
function cpuOf({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]!.split(" ")
    return 10 * (Number(fields[11]) + Number(fields[12]))
  } catch {
    return 0
  }
}
