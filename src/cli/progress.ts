import cliProgress from "cli-progress"

/** How far a long job has come: a bar on a terminal, plain lines anywhere else; always on stderr. */
export interface Progress {
  /** `done` of the total are done; `text` stands behind the count, such as the loss. */
  update(done: number, text?: string): void
  /** A line of its own that stays, above the bar. */
  line(text: string): void
  /** Takes the bar away, or says the last count. */
  stop(): void
}

export interface ProgressOptions {
  /** What is done, such as "detect". */
  readonly label: string
  readonly total: number
  readonly stream?: NodeJS.WriteStream
  /** Plain lines come at most once in so many milliseconds. */
  readonly interval?: number
}

/** Often enough to see that a job lives, seldom enough for a log file. */
const plainInterval = 10_000

export function startProgress(options: ProgressOptions): Progress {
  const stream = options.stream ?? process.stderr
  return stream.isTTY ? bar(options, stream) : plainLines(options, stream)
}

function bar({ label, total }: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  // Of cli-progress only the many-bar form can write lines above a bar. Its own Ctrl-C handling would end the process.
  const bars = new cliProgress.MultiBar({
    stream,
    format: `${label} {bar} {value}/{total} {eta_formatted} {text}`,
    barsize: 24,
    barCompleteChar: "=",
    barIncompleteChar: "-",
    clearOnComplete: true,
    gracefulExit: false,
  })
  const one = bars.create(total, 0, { text: "" })
  return {
    update: (done, text) => one.update(done, text === undefined ? {} : { text }),
    line: (text) => bars.log(`${text}\n`),
    stop() {
      // Lines still waiting to be written would be lost.
      bars.update()
      bars.stop()
    },
  }
}

function plainLines({ label, total, interval = plainInterval }: ProgressOptions, stream: NodeJS.WriteStream): Progress {
  let said = performance.now()
  let saidDone = -1
  let last: readonly [number, string | undefined] = [0, undefined]
  const say = () => {
    const [done, text] = last
    stream.write(`${label} ${done}/${total}${text ? ` ${text}` : ""}\n`)
    said = performance.now()
    saidDone = done
  }
  return {
    update(done, text) {
      last = [done, text]
      if (performance.now() - said >= interval) say()
    },
    line: (text) => void stream.write(`${text}\n`),
    stop() {
      if (last[0] !== saidDone) say()
    },
  }
}
