import { UserError } from "../core/errors.js"
import { WriteError } from "../core/write-whole.js"
import { complain } from "./report.js"

/** What the process ends with: scripts rely on these numbers. */
export const exitCodes = { ok: 0, error: 1, usage: 2, data: 3, belowMinimum: 4, diverged: 5, interrupted: 130 } as const

/** A score stayed below the `--min-map` that was asked for. Exit code 4. */
export class BelowMinimumError extends UserError {
  override readonly exitCode = exitCodes.belowMinimum
  override readonly name = "BelowMinimumError"
}

let interruptionController: AbortController | undefined

/**
 * A signal that the first Ctrl-C aborts, or a polite kill, or a terminal that is closed: the command then finishes the step it is in, saves, and
 * returns, and the process exits with 130. The second Ctrl-C kills at once. A command that never asks for the signal
 * dies at the first one, as any program does.
 */
export function interruption(): AbortSignal {
  if (interruptionController === undefined) {
    const controller = new AbortController()
    interruptionController = controller
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        if (controller.signal.aborted) process.exit(exitCodes.interrupted)
        process.stderr.write("\nstopping and saving; press Ctrl-C again to stop at once\n")
        controller.abort()
      })
    }
  }
  return interruptionController.signal
}

/** As a signal to this process, where another one of the same run has got it. */
export function interrupt(): void {
  interruption()
  interruptionController!.abort()
}

/** Whether the user has asked this process to stop. */
export function wasInterrupted(): boolean {
  return interruptionController?.signal.aborted ?? false
}

/**
 * Ends quietly when the reader of our output has gone, as in `resdet info resnet50 | head -3`, and with a line where it cannot
 * be written, as on a full disk. A log that cannot be written ends nothing.
 */
export function endOnUnwrittenOutput(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EIO") return // the terminal is gone, of which SIGHUP tells
    if (error.code === "EPIPE") process.exit(process.exitCode ?? exitCodes.ok)
    complain(new WriteError("standard output", error).message)
    process.exit(exitCodes.error)
  })
  process.stderr.on("error", () => {})
}
