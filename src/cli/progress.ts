import { createRequire } from "node:module"
import { Pace } from "./pace.js"
import { barLine, plainLine, type Standing } from "./progress-line.js"

/** How far a long job has come: one rewritten line on a terminal, plain lines anywhere else; always on stderr. */
export interface Progress {
  /** `done` of the total are done. */
  update(done: number, total: number | undefined): void
  /** What stands behind the figures from now on, such as the loss; false where there is no such place. */
  note(text: string): boolean
  /** A line of its own that stays, above the bar. */
  line(text: string): void
  /** Takes the bar away, or says the last count. */
  stop(): void
}

export interface ProgressOptions {
  /** What is done, such as `eval`. */
  readonly label: string
  readonly unit?: Standing["unit"]
  readonly stream?: NodeJS.WriteStream
  /** Plain lines come when nothing else was said for so many milliseconds. */
  readonly interval?: number
}

/** Often enough to see that a job lives, seldom enough for a log file. */
const plainInterval = 10_000

/** Where a terminal does not say how wide it is. */
const usualColumns = 80

/** Whether a stream is a terminal that can rewrite a line. */
const isLive = (stream: NodeJS.WriteStream) => stream.isTTY && process.env.TERM !== "dumb"

export function startProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr
  return isLive(stream) ? bar(options, stream) : plainLines(options, stream)
}

function bar({ label, unit }: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  const pace = new Pace()
  let standing: Standing = { label, unit, done: 0, total: undefined, rate: undefined }
  // Loaded with the first bar: a command that shows none starts sooner.
  const cliProgress = createRequire(import.meta.url)("cli-progress") as typeof import("cli-progress")
  // Of cli-progress only the many-bar form can write lines above a bar. Its own Ctrl-C handling would end the process.
  const bars = new cliProgress.MultiBar({
    stream,
    format: () => barLine(standing, stream.columns || usualColumns),
    clearOnComplete: true,
    gracefulExit: false,
    forceRedraw: true,
    // A line that fits needs no switch, which a process that is killed would leave as it is.
    linewrap: true,
  })
  bars.create(1, 0)
  return {
    update(done, total) {
      pace.add(done, performance.now())
      standing = { ...standing, done, total, rate: pace.rate }
    },
    note(note) {
      standing = { ...standing, note }
      return true
    },
    line: (text) => bars.log(`${text}\n`),
    stop() {
      // Lines still waiting to be written would be lost.
      bars.update()
      bars.stop()
    },
  }
}

function plainLines({ label, unit, interval = plainInterval }: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  const pace = new Pace()
  let standing: Standing = { label, unit, done: 0, total: undefined, rate: undefined }
  let heard = performance.now()
  let saidDone = -1
  let hasLines = false
  const say = () => {
    stream.write(`${plainLine(standing)}\n`)
    heard = performance.now()
    saidDone = standing.done
  }
  return {
    update(done, total) {
      pace.add(done, performance.now())
      standing = { ...standing, done, total, rate: pace.rate }
      if (performance.now() - heard >= interval) say()
    },
    note: () => false,
    line(text) {
      stream.write(`${text}\n`)
      heard = performance.now()
      hasLines = true
    },
    stop() {
      // Whoever has told of every image need not count them.
      if (!hasLines && standing.done !== saidDone) say()
    },
  }
}
