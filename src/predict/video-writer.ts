import { once } from "node:events"
import { renameSync, rmSync } from "node:fs"
import { UserError } from "../core/errors.js"
import { partBeside, WriteError } from "../core/write-whole.js"
import { type Running, startFfmpeg } from "./ffmpeg.js"

/** A video that ffmpeg makes of JPEG files, beside its place until it is whole. Disposed of before that, nothing is left. */
export class VideoWriter implements Disposable {
  readonly #path: string
  readonly #part: string
  readonly #ffmpeg: Running
  #isDone = false

  /** @param rate frames a second, as ffmpeg writes a number */
  constructor(path: string, rate: string) {
    this.#path = path
    this.#part = `${partBeside(path)}.mp4`
    const frames = ["-f", "image2pipe", "-c:v", "mjpeg", "-framerate", rate, "-i", "-"]
    // Most players take videos of even sides and of this form of colours only.
    const form = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    const args = ["-v", "error", "-y", ...frames, ...form, this.#part]
    this.#ffmpeg = startFfmpeg("ffmpeg", args, "pipe", `${path}: a video`)
    // A broken pipe is told by what ffmpeg says.
    this.#ffmpeg.child.stdin!.on("error", () => {})
  }

  /** Adds a frame, and waits where ffmpeg is behind. @throws UserError where it has given up */
  async write(jpeg: Uint8Array): Promise<void> {
    const { child, failure } = this.#ffmpeg
    if (child.exitCode === null && !child.stdin!.destroyed) {
      if (child.stdin!.write(jpeg)) return
      const drained = once(child.stdin!, "drain").then(() => undefined)
      drained.catch(() => {})
      const ended = await Promise.race([drained, failure.then((reason) => reason ?? "it ended early")])
      if (ended === undefined) return
    }
    throw new UserError(`${this.#path}: ffmpeg cannot write it: ${(await failure) ?? "it ended early"}`)
  }

  /** Puts the video into its place. @throws UserError where it could not be made */
  async finish(): Promise<void> {
    this.#ffmpeg.child.stdin!.end()
    const reason = await this.#ffmpeg.failure
    if (reason !== undefined) throw new UserError(`${this.#path}: ffmpeg cannot write it: ${reason}`)
    try {
      renameSync(this.#part, this.#path)
    } catch (error) {
      throw new WriteError(this.#path, error)
    }
    this.#isDone = true
  }

  [Symbol.dispose](): void {
    if (this.#isDone) return
    this.#ffmpeg.child.kill("SIGKILL")
    rmSync(this.#part, { force: true })
  }
}
