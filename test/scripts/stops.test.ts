import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { Breaker } from "../../scripts/campaigns/breaker.js"
import { slowTest } from "../support/slow-test.js"

/** A program that writes a file, adds to another and removes a folder, with a faulty disk. */
function write(at: string) {
  const folder = mkdtempSync(join(tmpdir(), "resdet-disk-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const out = join(folder, "out")
  for (const name of ["old/a", "old/b"]) mkdirSync(join(out, name), { recursive: true })
  writeFileSync(
    join(folder, "program.mjs"),
    `
    import { openSync, renameSync, rmSync, writeSync } from "node:fs"
    import { appendFile } from "node:fs/promises"
    const file = openSync("out/new", "wx")
    writeSync(file, "12345678")
    renameSync("out/new", "out/there")
    await appendFile("out/log", "abcd").catch(({ code }) => console.log(code))
    rmSync("out/old", { recursive: true })
    console.log("done")`,
  )
  const env = { ...process.env, FAULTY_FOLDER: out, FAULTY_AT: at, FAULTY_LOG: join(folder, "operations") }
  const disk = resolve("dist/scripts/campaigns/faulty-disk.js")
  const { signal, stdout, stderr } = spawnSync(process.execPath, ["--import", disk, "program.mjs"], {
    cwd: folder,
    env,
    encoding: "utf8",
  })
  const text = (name: string) => (existsSync(join(out, name)) ? readFileSync(join(out, name), "utf8") : undefined)
  const left = ["new", "there", "log"].map(text)
  const old = ["old/a", "old/b"].map((name) => existsSync(join(out, name)))
  return { signal, stdout, stderr, left, old, operations: readFileSync(join(folder, "operations"), "utf8") }
}

test("the faulty disk counts the operations below its folder", () => {
  const { operations, left, stdout } = write("")
  const lines = [
    "1 openSync new space",
    "2 writeSync new half,space",
    "3 renameSync there ",
    "4 appendFile log half,space",
  ]
  expect(operations.split("\n")).toEqual([...lines, "5 rmSync old half", ""])
  expect([left, stdout]).toEqual([[undefined, "12345678", "abcd"], "done\n"])
})

test("it kills before an operation and within it, and is full once or from there on", () => {
  expect(write("kill-before 2")).toMatchObject({ signal: "SIGKILL", left: ["", undefined, undefined] })
  expect(write("kill-within 2")).toMatchObject({ signal: "SIGKILL", left: ["1234", undefined, undefined] })
  expect(write("kill-within 4")).toMatchObject({ signal: "SIGKILL", left: [undefined, "12345678", "ab"] })
  expect(write("kill-within 5")).toMatchObject({ signal: "SIGKILL", old: [false, true] })
  expect(write("full-once 4")).toMatchObject({ stdout: "ENOSPC\ndone\n", left: [undefined, "12345678", "ab"] })
  const full = write("full-from 2")
  expect(full.stderr).toContain("ENOSPC: no space left on device, write")
  expect(full.left).toEqual(["1234", undefined, undefined])
})

test("a run that is broken and continued is told to differ where it does", async () => {
  const root = mkdtempSync(join(tmpdir(), "resdet-breaker-"))
  onTestFinished(() => rmSync(root, { recursive: true }))
  let results = 0
  // A command that ends at once, and each time comes to something else.
  const job = { start: ["--version"], resume: ["--version"], result: () => ({ file: String(results++) }) }
  const breaker = await Breaker.open(job, root, "made-up", "auto")
  expect(await breaker.full("full-once 1")).toMatchObject({ finding: "file differs" })
})

slowTest(
  "a classifier's run that is killed in a file operation, or whose disk is full, ends as the unbroken one",
  () => {
    const args = [
      "dist/scripts/campaigns/stops.js",
      "--jobs",
      "classify",
      "--faults",
      "kills,full-disk",
      "--count",
      "1",
    ]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" })
    expect([status, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^classify \{"cycles":2,"kills":[12],"stops":0,"full":1,"bad":0\}\n$/)
  },
)
