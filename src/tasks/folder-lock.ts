import { readFileSync, rmSync, statSync, utimesSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { UserError } from "../core/errors.js"
import { isAlive, takeLock } from "../setup/lock.js"

/** A folder that one process alone writes to, until it is disposed of. */
export interface HeldFolder extends Disposable {
  readonly folder: string
}

/** A holder tells so often that it is there; one of another machine that has been silent for so long is taken for dead. */
const beat = 20_000
const silentFor = 5 * 60_000
/** So often a lock that is waited for is looked at. */
const retry = 500
/** A lock that names no process is being written, or was left so by a full disk. */
const unnamedFor = 5000

/**
 * Holds a folder by a file `.lock` in it. One whose holder has died is taken over.
 * @param doing what is done there, such as "trained"
 * @throws UserError when another process holds it
 */
export function holdFolder(folder: string, doing: string): HeldFolder {
  const path = join(folder, ".lock")
  while (!takeLock(path, `${process.pid} ${hostname()}\n`)) {
    const holder = holderOf(path)
    if (holder !== undefined) {
      throw new UserError(
        `${folder} is being ${doing} by ${holder}. Wait for it or choose another folder; if it is gone, remove ${path}`,
      )
    }
    rmSync(path, { force: true })
  }
  const timer = setInterval(() => touch(path), beat).unref()
  return {
    folder,
    [Symbol.dispose]() {
      clearInterval(timer)
      rmSync(path, { force: true })
    },
  }
}

/**
 * As `holdFolder`, and waits while a process of another machine holds it: whether that was killed shows in its silence alone.
 * @param onWait told once, who it is
 */
export async function awaitFolder(
  folder: string,
  doing: string,
  onWait: (line: string) => void,
  signal: AbortSignal,
): Promise<HeldFolder> {
  for (let isTold = false; ; isTold = true) {
    try {
      return holdFolder(folder, doing)
    } catch (error) {
      if (!(error instanceof UserError) || !isElsewhere(join(folder, ".lock"))) throw error
      if (!isTold) onWait(`waiting, since ${error.message.split(". ")[0]}`)
      await setTimeout(retry, undefined, { signal })
    }
  }
}

const isElsewhere = (path: string) => ![undefined, hostname()].includes(/^\d+ (\S+)\n$/.exec(readText(path))?.[1])

/** Who holds the lock, in words; undefined where nobody does any more. */
function holderOf(path: string): string | undefined {
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs
  if (written === undefined) return undefined
  const silent = Date.now() - written
  const [, pid, host] = /^(\d+) (\S+)\n$/.exec(readText(path)) ?? []
  if (pid === undefined) return silent < unnamedFor ? "another process" : undefined
  const holds = host === hostname() ? isOther(Number(pid)) : silent < silentFor
  return holds ? `process ${pid} on host ${host}` : undefined
}

/** A number that is ours was another's before: containers count from 1 each time. */
const isOther = (pid: number) => pid !== process.pid && isAlive(pid)

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
