import { type ChildProcess, spawn } from "node:child_process"
import { UserError } from "../core/errors.js"

/** A program of ffmpeg's that runs. */
export interface Running {
  readonly child: ChildProcess
  /** What it said when it had ended, the last line; undefined where all went well. @throws UserError where it is not installed */
  readonly failure: Promise<string | undefined>
}

/**
 * Starts `ffmpeg` or `ffprobe`, quietly.
 * @param what needs it, for the error
 */
export function startFfmpeg(
  program: "ffmpeg" | "ffprobe",
  args: readonly string[],
  input: "ignore" | "pipe",
  what: string,
): Running {
  // Of its own process group: Ctrl-C is for us, and what it is writing is to be finished.
  const child = spawn(program, args, { stdio: [input, "pipe", "pipe"], detached: true })
  let said = ""
  child.stderr!.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  const failure = new Promise<string | undefined>((resolve, reject) => {
    child.on("error", () => {
      reject(
        new UserError(
          `${what} needs ${program}, which is not on the PATH. Install ffmpeg: https://ffmpeg.org, or apt install ffmpeg, brew install ffmpeg`,
        ),
      )
    })
    child.on("close", (code, signal) => {
      const last = said.trim().split("\n").at(-1)
      resolve(
        code === 0 ? undefined : last || (signal === null ? `it ended with ${code}` : `it was ended by ${signal}`),
      )
    })
  })
  // Whoever waits for it later hears of it then.
  failure.catch(() => {})
  return { child, failure }
}
