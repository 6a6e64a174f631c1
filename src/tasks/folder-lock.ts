import { hostname } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { UserError } from "../core/errors.js"
import { FileLock, type LockHolder, nameOfHolder } from "../core/file-lock.js"

/** A folder that one process alone writes to, until it is disposed of. */
export interface HeldFolder extends Disposable {
  readonly folder: string
}

/** So often a lock that is waited for is looked at. */
const retry = 500

/**
 * Holds a folder by a file `.lock` in it. One whose holder has died is taken over.
 * @param doing what is done there, such as "trained"
 * @throws UserError when another process holds it
 */
export function holdFolder(folder: string, doing: string): HeldFolder {
  return held(folder, doing, FileLock.take(lockOf(folder)))
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
    const lock = FileLock.take(lockOf(folder))
    const isElsewhere = !(lock instanceof FileLock) && ![undefined, hostname()].includes(lock.host)
    if (!isElsewhere) return held(folder, doing, lock)
    if (!isTold) onWait(`waiting, since ${whoHolds(folder, doing, lock)}`)
    await setTimeout(retry, undefined, { signal })
  }
}

/** @throws UserError where it is another's */
function held(folder: string, doing: string, lock: FileLock | LockHolder): HeldFolder {
  if (lock instanceof FileLock) return { folder, [Symbol.dispose]: () => lock[Symbol.dispose]() }
  throw new UserError(
    `${whoHolds(folder, doing, lock)}. Wait for it or choose another folder; if it is gone, remove ${lockOf(folder)}`,
  )
}

const lockOf = (folder: string) => join(folder, ".lock")
const whoHolds = (folder: string, doing: string, holder: LockHolder) =>
  `${folder} is being ${doing} by ${nameOfHolder(holder)}`
