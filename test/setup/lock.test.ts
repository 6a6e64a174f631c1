import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { withLock } from "../../src/setup/lock.js"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-lock-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe("withLock", () => {
  it("lets one in at a time", async () => {
    const lock = join(folder, "lock")
    const events: string[] = []
    const work = (name: string) => async () => {
      events.push(`${name} in`)
      await new Promise((done) => setTimeout(done, 50))
      events.push(`${name} out`)
    }
    await Promise.all([withLock(lock, () => {}, work("a")), withLock(lock, () => {}, work("b"))])
    expect(events).toEqual(["a in", "a out", "b in", "b out"])
  })

  it("takes over from a process that is gone, and frees the lock when the work fails", async () => {
    const lock = join(folder, "lock")
    writeFileSync(lock, `999999999 ${hostname()}\n`)
    const fail = withLock(
      lock,
      () => {},
      () => Promise.reject(new Error("no")),
    )
    await expect(fail).rejects.toThrow("no")
    expect(
      await withLock(
        lock,
        () => {},
        async () => 7,
      ),
    ).toBe(7)
  })
})

describe("a lock file that names no process", () => {
  const work = () =>
    withLock(
      join(folder, "lock"),
      () => {},
      async () => 7,
    )

  it.each(["", "no number"])("is taken over when it is old: %j", async (text) => {
    writeFileSync(join(folder, "lock"), text)
    utimesSync(join(folder, "lock"), 0, 0)
    expect(await work()).toBe(7)
  })

  it("is waited for when it is new, since its writer may not have got further", async () => {
    writeFileSync(join(folder, "lock"), "")
    const waited = work()
    expect(await Promise.race([waited, new Promise((done) => setTimeout(done, 400, "waiting"))])).toBe("waiting")
    rmSync(join(folder, "lock"))
    expect(await waited).toBe(7)
  })

  it("is not left behind by a full disk", () => {
    const lock = join(folder, "lock")
    const program = `
      const { withLock } = await import(${JSON.stringify(new URL("../../dist/src/setup/lock.js", import.meta.url).href)})
      await withLock(${JSON.stringify(lock)}, () => {}, async () => {}).catch(({ code }) => console.log(code))`
    // Files may have no bytes: they are made all the same, as on a full disk.
    const limited = ["-c", 'ulimit -f 0; exec "$0" --input-type=module -e "$1"', process.execPath, program]
    expect(spawnSync("sh", limited, { encoding: "utf8" }).stdout).toBe("EFBIG\n")
    expect(existsSync(lock)).toBe(false)
  })
})
