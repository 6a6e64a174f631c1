import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from "node:fs"
import { hostname } from "node:os"
import { resolve } from "node:path"
import { WriteError } from "./write-whole.js"

/** Who holds a lock; a lock that is just being written or taken over names nobody. */
export interface LockHolder {
  readonly pid?: number
  readonly host?: string
}

/** As errors and progress name a holder. */
export const nameOfHolder = ({ pid, host }: LockHolder): string =>
  pid === undefined ? "another process" : `process ${pid} on host ${host}`

/** A holder tells so often that it is there; one of another machine that has been silent for so long is taken for dead. */
const beat = 20_000
const silentFor = 5 * 60_000
/** A lock that names no process is being written, or was left so by a full disk; so is one that is being taken over. */
const unnamedFor = 5000

/**
 * A lock by a file that names its holder, as machines that share a file system see it too. One whose holder has died is taken over, by
 * one process alone.
 */
export class FileLock implements Disposable {
  /** Those of this process, whose number does not tell: it may be that of a process that was killed before. */
  static readonly #held = new Set<string>()
  readonly #path: string
  readonly #timer: NodeJS.Timeout

  private constructor(path: string) {
    this.#path = resolve(path)
    FileLock.#held.add(this.#path)
    this.#timer = setInterval(() => touch(path), beat).unref()
  }

  /** @returns the lock, held by this process until it is disposed of; or who holds it. @throws what the disk says */
  static take(path: string): FileLock | LockHolder {
    const taking = `${path}.taking`
    if (createFile(path, own)) {
      // Of a process that was killed when it had removed a lock.
      rmSync(taking, { force: true })
      return new FileLock(path)
    }
    if (FileLock.#held.has(resolve(path))) return { pid: process.pid, host: hostname() }
    const holder = holderOf(path)
    if (holder !== undefined) return holder
    // Who removes a lock holds this one, and looks again: what another process took meanwhile is not removed.
    if (!createFile(taking, own)) {
      if (ageOf(taking) < unnamedFor) return {}
      rmSync(taking, { force: true })
      return FileLock.take(path)
    }
    try {
      const now = holderOf(path)
      if (now !== undefined) return now
      rmSync(path, { force: true })
      return createFile(path, own) ? new FileLock(path) : {}
    } finally {
      rmSync(taking, { force: true })
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    FileLock.#held.delete(this.#path)
    if (readText(this.#path) === own) rmSync(this.#path, { force: true })
  }
}

const own = `${process.pid} ${hostname()}\n`

/** Makes a file that is not there yet; it is not left behind where it cannot be written. */
function createFile(path: string, content: string): boolean {
  let file: number
  try {
    file = openSync(path, "wx")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false
    throw error
  }
  try {
    writeSync(file, content)
    return true
  } catch (error) {
    rmSync(path, { force: true })
    throw new WriteError(path, error)
  } finally {
    closeSync(file)
  }
}

/** Who holds the lock; undefined where nobody does any more. */
function holderOf(path: string): LockHolder | undefined {
  const silent = ageOf(path)
  const [, pid, host] = /^(\d+) (\S+)\n$/.exec(readText(path)) ?? []
  if (pid === undefined || host === undefined) return silent < unnamedFor ? {} : undefined
  const holds = host === hostname() ? isOther(Number(pid)) : silent < silentFor
  return holds ? { pid: Number(pid), host } : undefined
}

/** Milliseconds since a file was written; infinite where there is none. */
function ageOf(path: string): number {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  return written === undefined ? Number.POSITIVE_INFINITY : Date.now() - written
}

/** A number that is ours was another's before: containers count from 1 each time. */
const isOther = (pid: number) => pid !== process.pid && isAlive(pid)

/** Whether there is such a process on this machine, and it has not ended. */
function isAlive(pid: number): boolean {
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

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {} // the folder was removed: the next save makes it again
}
