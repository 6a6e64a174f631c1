import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { awaitFolder, holdFolder } from "../../src/tasks/folder-lock.js"

function folder(lock?: string, secondsAgo = 0) {
  const made = mkdtempSync(join(tmpdir(), "resdet-lock-"))
  onTestFinished(() => rmSync(made, { recursive: true }))
  const path = join(made, ".lock")
  if (lock !== undefined) {
    writeFileSync(path, lock)
    const then = Date.now() / 1000 - secondsAgo
    utimesSync(path, then, then)
  }
  return { made, path }
}

const hold = (where: string) => holdFolder(where, "trained")

test("a folder is held by its process until it is disposed of", () => {
  const { made, path } = folder()
  const held = hold(made)
  expect(held.folder).toBe(made)
  expect(readFileSync(path, "utf8")).toBe(`${process.pid} ${hostname()}\n`)
  held[Symbol.dispose]()
  expect(existsSync(path)).toBe(false)
})

test("what another process holds is refused, with its number, its host and the way out", () => {
  const here = folder(`${process.ppid} ${hostname()}\n`)
  const line = `${here.made} is being trained by process ${process.ppid} on host ${hostname()}. Wait for it or choose another folder; if it is gone, remove ${here.path}`
  expect(() => hold(here.made)).toThrow(line)
  const elsewhere = folder("7 elsewhere\n", 30)
  expect(() => hold(elsewhere.made)).toThrow("by process 7 on host elsewhere")
  const halfWritten = folder("")
  expect(() => hold(halfWritten.made)).toThrow("by another process")
  for (const { path } of [here, elsewhere, halfWritten]) expect(existsSync(path)).toBe(true)
})

test("a lock whose holder is gone is taken over: dead, silent, our own number, empty, unreadable", () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid
  const stale = [
    folder(`${dead} ${hostname()}\n`),
    folder("7 elsewhere\n", 600),
    folder(`${process.pid} ${hostname()}\n`),
    folder("", 60),
    folder("\0\0 what is this", 60),
  ]
  for (const { made, path } of stale) {
    using _held = hold(made)
    expect(readFileSync(path, "utf8")).toBe(`${process.pid} ${hostname()}\n`)
  }
})

test("one process alone takes over: while another does, the lock is left to it, unless that was killed", () => {
  const dead = spawnSync(process.execPath, ["-e", ""]).pid
  const { made, path } = folder(`${dead} ${hostname()}\n`)
  writeFileSync(`${path}.taking`, "")
  expect(() => hold(made)).toThrow("by another process")
  expect(readFileSync(path, "utf8")).toBe(`${dead} ${hostname()}\n`)
  utimesSync(`${path}.taking`, 0, 0)
  using _held = hold(made)
  expect(readdirSync(made)).toEqual([".lock"])
})

test("one that was killed when it had removed the dead lock leaves nothing behind for good", () => {
  const { made, path } = folder()
  writeFileSync(`${path}.taking`, "")
  using held = hold(made)
  expect(readdirSync(held.folder)).toEqual([".lock"])
})

test("what this process holds it does not get again, and another's lock is not removed", () => {
  const { made, path } = folder()
  const held = hold(made)
  expect(() => hold(made)).toThrow(`by process ${process.pid} on host`)
  // After a long sleep of this machine, another has taken it.
  writeFileSync(path, "7 elsewhere\n")
  held[Symbol.dispose]()
  expect(readFileSync(path, "utf8")).toBe("7 elsewhere\n")
})

test("what another machine holds is waited for, and told once; what this one holds is refused at once", async () => {
  const { made, path } = folder("7 elsewhere\n", 30)
  const told: string[] = []
  const { signal } = new AbortController()
  const waiting = awaitFolder(made, "written", (line) => told.push(line), signal)
  await new Promise((done) => setTimeout(done, 100))
  rmSync(path)
  using _held = await waiting
  expect(told).toEqual([`waiting, since ${made} is being written by process 7 on host elsewhere`])

  const here = folder(`${process.ppid} ${hostname()}\n`)
  await expect(awaitFolder(here.made, "written", () => {}, signal)).rejects.toThrow("is being written by process")
  const stopped = awaitFolder(folder("7 elsewhere\n").made, "written", () => {}, AbortSignal.abort())
  await expect(stopped).rejects.toThrow("aborted")
})

test.skipIf(process.platform !== "linux")(
  "a process that was killed, and that nobody has asked for, holds nothing",
  async () => {
    // The shell becomes a program that waits, and so never asks for its child.
    const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 60"])
    onTestFinished(() => void parent.kill("SIGKILL"))
    const [text] = await once(parent.stdout, "data")
    const child = Number(String(text))
    const { made } = folder(`${child} ${hostname()}\n`)
    expect(() => hold(made)).toThrow(`process ${child}`)
    process.kill(child, "SIGKILL")
    await new Promise((done) => setTimeout(done, 100))
    hold(made)[Symbol.dispose]()
  },
)
