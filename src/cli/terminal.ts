import { formatFault } from "../../datasets/faults.js"
import type { Progress as Job, TaskHooks } from "../tasks/hooks.js"
import { interruption } from "./exit.js"
import { type Progress, startProgress } from "./progress.js"
import { log, logged, print } from "./report.js"

/** Where a command's words go. */
export interface Terminal {
  /** Where the result goes as JSON: a file, or `-` for stdout, which then takes nothing else. */
  readonly json: string | undefined
  /** Ctrl-C and the like; a command that never asks for it dies at the first one. */
  readonly signal: AbortSignal
  /** What tasks are followed by. */
  readonly hooks: Required<TaskHooks>
  /** A result, to stdout. */
  print(line: string): void
  /** What is going on, to stderr; above the progress bar, where there is one. */
  log(line: string): void
  /** How a job stands now: `note` behind its bar until the next one, or a line of its own where there is no bar. */
  stand(note: string, line: string): void
  /** Takes the progress bar away, and says how many faults were not told one by one. */
  end(): void
}

/** So many faults of a kind are told one by one. */
const faultsTold = 10

/** stdout for results, stderr for everything else, which `quiet` leaves out. */
export function openTerminal({ quiet, json }: { quiet: boolean; json?: string | undefined }): Terminal {
  let bar: { readonly job: string; readonly shown: Progress } | undefined
  const faults = new Map<string, number>()
  const close = () => {
    bar?.shown.stop()
    bar = undefined
  }
  const say = (line: string) => {
    if (quiet) return
    if (bar) bar.shown.line(logged(line))
    else log(line)
  }
  const progress = ({ job, done, total, unit }: Job) => {
    if (quiet) return
    if (bar?.job !== job) {
      close()
      bar = { job, shown: startProgress({ label: logged(job), unit }) }
    }
    bar?.shown.update(done, total)
    if (total !== undefined && done >= total) close()
  }
  return {
    json,
    get signal() {
      return interruption()
    },
    hooks: {
      get signal() {
        return interruption()
      },
      onLog: say,
      onFault: (fault) => {
        const count = (faults.get(fault.kind) ?? 0) + 1
        faults.set(fault.kind, count)
        if (count <= faultsTold) say(formatFault(fault))
      },
      onProgress: progress,
    },
    print: (line) => {
      if (json !== "-") print(line)
    },
    log: say,
    stand: (note, line) => {
      if (!bar?.shown.note(logged(note))) say(line)
    },
    end() {
      close()
      for (const [kind, count] of faults) {
        if (count > faultsTold)
          say(`${count - faultsTold} more faults of the kind ${kind}; resdet dataset check names them all`)
      }
      faults.clear()
    },
  }
}
