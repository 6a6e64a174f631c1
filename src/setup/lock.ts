import { dirname } from "node:path"
import { setTimeout } from "node:timers/promises"
import { FileLock, nameOfHolder } from "../core/file-lock.js"
import { makeFolder } from "../core/write-whole.js"

/**
 * Runs `work` while no other process holds the lock file; waits for the holder, and takes over from one that has died.
 * @param onWait told once, who holds it
 */
export async function withLock<T>(path: string, onWait: (holder: string) => void, work: () => Promise<T>): Promise<T> {
  makeFolder(dirname(path))
  for (let isTold = false; ; ) {
    const lock = FileLock.take(path)
    if (lock instanceof FileLock) {
      using _ = lock
      return await work()
    }
    // A lock without a name is being written, or will be taken over soon.
    if (!isTold && lock.pid !== undefined) {
      isTold = true
      onWait(nameOfHolder(lock))
    }
    await setTimeout(200)
  }
}
