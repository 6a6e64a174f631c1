import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { Writable } from "node:stream"
import { expect, test } from "vitest"
import { Pace } from "../../src/cli/pace.js"
import { startProgress } from "../../src/cli/progress.js"
import { barLine, duration, plainLine } from "../../src/cli/progress-line.js"

const dummy = "test/support/dummy-cli.mjs"

/** A stream that keeps what is written to it; a terminal where it has columns. */
function stream(columns?: number) {
  let written = ""
  const made = new Writable({
    write(chunk, _, done) {
      written += String(chunk)
      done()
    },
  })
  const asTerminal = columns === undefined ? {} : { isTTY: true, columns }
  return { stream: Object.assign(made, asTerminal) as unknown as NodeJS.WriteStream, written: () => written }
}

/** What a terminal shows in the end: returns, moves to the first column and erasures are done, moves by nothing are not. */
function screen(written: string): string[] {
  const lines = [""]
  let column = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal obeys
  for (const [letter, count, order] of written.matchAll(/\u001b\[([0-9?]*)([A-Za-z])|[^\u001b]/g)) {
    const line = lines.at(-1)!
    if (letter === "\n") lines.push("")
    if (letter === "\n" || letter === "\r" || order === "G") column = 0
    else if (order === "K" && count === "2") lines[lines.length - 1] = ""
    else if (order === "K" || order === "J") lines[lines.length - 1] = line.slice(0, column)
    else if (order === undefined) {
      lines[lines.length - 1] = line.slice(0, column) + letter + line.slice(column + 1)
      column++
    }
  }
  return lines
}

const half = { label: "eval", done: 60, total: 120, rate: 4 }

test.each([
  [80, "eval  [===============---------------]  60/120  4.0/s  0:15 left"],
  [45, "eval  [=====-----]  60/120  4.0/s  0:15 left"],
  [40, "eval  60/120  4.0/s  0:15 left"],
  [20, "eval  60/120  4.0/s"],
])("in %d columns the line is narrower than the terminal", (columns, line) => {
  expect(barLine(half, columns)).toBe(line)
  expect(line.length).toBeLessThan(columns)
})

test("letters that are two columns wide count twice", () => {
  const { length } = barLine({ ...half, label: "检查" }, 45)
  expect(length).toBe(barLine({ ...half, label: "abcd" }, 45).length - 2)
  expect(barLine({ ...half, label: "检查检查", rate: undefined }, 7)).toBe("检查检")
})

test("slow jobs tell the time of each, downloads megabytes, and where no total is known neither bar nor time left", () => {
  expect(plainLine({ ...half, rate: 0.25 })).toBe("eval 60/120  4.0 s each  4:00 left")
  expect(plainLine({ ...half, label: "fetch", unit: "MB", rate: 11.25 })).toBe("fetch 60/120 MB  11.3 MB/s  0:05 left")
  expect(barLine({ ...half, total: undefined, rate: 250 }, 80)).toBe("eval  60  250/s")
  expect(plainLine({ ...half, done: 120, note: "loss 0.5" })).toBe("eval 120/120  4.0/s  loss 0.5")
  expect(plainLine({ ...half, rate: undefined })).toBe("eval 60/120")
  expect([9.4, 605, 11_045].map(duration)).toEqual(["0:09", "10:05", "3:04:05"])
})

test("the rate is that of the last half minute, and what is done before the first mark does not count", () => {
  const pace = new Pace()
  pace.add(1000, 0)
  expect(pace.rate).toBeUndefined()
  for (let second = 1; second <= 10; second++) pace.add(1000 + second, second * 1000)
  expect(pace.rate).toBeCloseTo(1)
  for (let second = 11; second <= 60; second++) pace.add(1010 + 5 * (second - 10), second * 1000)
  expect(pace.rate).toBeCloseTo(5)
})

test("marks that follow each other closely do not pile up, and the rate stays right", () => {
  const pace = new Pace()
  for (let i = 0; i <= 100_000; i++) pace.add(i, i / 10)
  expect(pace.rate).toBeCloseTo(10_000)
})

test("on a terminal one line is rewritten, words stay above it, and nothing of it is left at the end", async () => {
  const { stream: terminal, written } = stream(60)
  const progress = startProgress({ label: "eval", stream: terminal })
  progress.update(1, 4)
  await new Promise((resolve) => setTimeout(resolve, 250))
  progress.line("a word")
  expect(progress.note("loss 0.5")).toBe(true)
  progress.update(2, 4)
  await new Promise((resolve) => setTimeout(resolve, 250))
  const shown = screen(written())
  expect(shown).toHaveLength(2)
  expect(shown[0]).toBe("a word")
  expect(shown[1]).toMatch(/^eval {2}\[=+-+\] {2}2\/4 {2}\d.* left {2}loss 0\.5$/)
  expect(shown[1]!.length).toBeLessThan(60)
  progress.line("another")
  progress.stop()
  expect(screen(written())).toEqual(["a word", "another", ""])
})

test("elsewhere a line comes when nothing was said for a while, and the last count unless others have told", () => {
  const quick = stream()
  const talking = stream()
  const [counting, told] = [quick, talking].map(({ stream: file }) => startProgress({ label: "eval", stream: file }))
  for (let i = 0; i <= 3; i++) counting!.update(i, 3)
  counting!.stop()
  expect(quick.written()).toMatch(/^eval 3\/3.*\n$/)
  told!.update(1, 3)
  told!.line("1/3 a.jpg")
  told!.stop()
  expect(talking.written()).toBe("1/3 a.jpg\n")
  const every = stream()
  const often = startProgress({ label: "eval", stream: every.stream, interval: 0 })
  for (let i = 1; i <= 3; i++) often.update(i, 3)
  often.stop()
  expect(every.written().replaceAll(/ {2}.*/g, "")).toBe("eval 1/3\neval 2/3\neval 3/3\n")
})

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [dummy, ...args], { encoding: "utf8" })
  return { status, stdout, stderr }
}

test("a command off a terminal has plain lines on stderr without colours, with --quiet none", () => {
  expect(run("count")).toEqual({
    status: 0,
    stdout: "three\n",
    stderr: "a note's own line\na line\ncounted to three\n",
  })
  expect(run("count", "--quiet")).toEqual({ status: 0, stdout: "three\n", stderr: "" })
  const { stdout } = run("count", "--json", "-")
  expect(JSON.parse(stdout)).toEqual({ count: 3 })
})

test.skipIf(!existsSync("/usr/bin/script"))("a command on a terminal shows its bar, with --quiet none", () => {
  const inTerminal = (args: string) => {
    const command = `stty cols 50 2>/dev/null; exec ${process.execPath} ${dummy} ${args}`
    const { stdout } = spawnSync("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      encoding: "utf8",
      env: { ...process.env, TERM: "xterm" },
    })
    return stdout
  }
  const shown = inTerminal("count")
  expect(shown).toMatch(/count {2}\[=+-+\] {2}2\/3 {2}[^\n]*a note/)
  expect(screen(shown.replaceAll("\r\n", "\n"))).toEqual(["a line", "counted to three", "three", ""])
  expect(inTerminal("count --quiet")).toBe("three\r\n")
})
