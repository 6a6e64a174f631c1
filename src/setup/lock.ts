import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { setTimeout } from "node:timers/promises"

/** A lock that names no process is being written, or its writer was killed or ran out of disk: so long it is waited for. */
const unnamedFor = 5000

/**
 * Runs `work` while no other process holds the lock file; waits for the holder, and takes over from one that has died.
 * @param onWait told once, with the holder's process id
 */
export async function withLock<T>(path: string, onWait: (pid: number) => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true })
  let reported = false
  while (!takeLock(path, String(process.pid))) {
    const holder = readHolder(path)
    if (holder === undefined ? isOlderThan(path, unnamedFor) : !isAlive(holder)) {
      rmSync(path, { force: true })
      continue
    }
    if (!reported && holder !== undefined) {
      reported = true
      onWait(holder)
    }
    await setTimeout(200)
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

/** Whether the lock is ours now, with our name in it; it is not left behind where it cannot be written. */
export function takeLock(path: string, holder: string): boolean {
  let file: number
  try {
    file = openSync(path, "wx")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
  try {
    writeSync(file, holder)
    return true
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
}

function isOlderThan(path: string, milliseconds: number): boolean {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return written !== undefined && Date.now() - written > milliseconds
}

function readHolder(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"))
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** Whether there is such a process on this machine, and it has not ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !hasEnded(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** A process that was killed still has its number until its parent asks for it: in many containers nobody does. */
function hasEnded(pid: number): boolean {
  try {
    const [, state] = /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? []
    return state === "Z" || state === "X"
  } catch {
    return false // not on Linux
  }
}
