import { spawn } from "node:child_process"
import { join } from "node:path"
import { packageFolder } from "../../src/core/own-package.js"
import { type Longest, watchHang } from "./hang.js"

/** How a call of the command line ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly said: string
  /** Milliseconds from the line that names the engine to the end; undefined where that was never said. */
  readonly worked: number | undefined
}

export interface CallOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Called once it computes; what is thrown or killed is the caller's affair. */
  readonly onWork?: (process: { readonly pid: number; kill(signal: NodeJS.Signals): boolean }) => void
  readonly faulty?: boolean
}

/** A call that takes longer hangs, and is killed. */
const longest: Longest = { computed: 300_000, waited: 1_800_000 }

/** Runs `resdet` with these arguments in a process of its own. */
export function call(args: readonly string[], { cwd, env, onWork, faulty = false }: CallOptions): Promise<Ended> {
  const root = packageFolder()
  const before = faulty ? ["--import", join(root, "dist/scripts/campaigns/faulty-disk.js")] : []
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...before, join(root, "bin/resdet.js"), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    })
    let said = ""
    let began: number | undefined
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (began !== undefined || !/^engine: |^continuing|step \d|^\[?1\//m.test(said)) return
      began = performance.now()
      onWork?.({ pid: child.pid!, kill: (signal) => child.kill(signal) })
    })
    const unwatch = watchHang(child, longest, (what) => {
      said += `${what}\n`
      child.kill("SIGKILL")
    })
    child.on("close", (code, signal) => {
      unwatch()
      resolve({ code, signal, said, worked: began === undefined ? undefined : performance.now() - began })
    })
  })
}
