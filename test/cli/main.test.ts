import { type SpawnSyncReturns, type StdioOptions, spawn, spawnSync } from "node:child_process"
import { closeSync, existsSync, openSync, readFileSync } from "node:fs"
import { expect, test } from "vitest"

const dummy = "test/support/dummy-cli.mjs"

function run(file: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: "utf8" })
  return { status, stdout, stderr }
}

test("--version behind any command prints the package's version to stdout", () => {
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string }
  expect(run("bin/resdet.js", "--version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" })
  expect(run(dummy, "fail", "--version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" })
})

test("--help lists every command without loading one", () => {
  const { status, stdout, stderr } = run(dummy, "--help")
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
  expect(stdout).toMatch(/fail .*several ways[\s\S]*absent .*cannot be loaded/)
})

test("help in front is --help behind", () => {
  expect(run(dummy, "help", "fail").stdout).toMatch(/Usage: resdet fail \[options\] <how>/)
})

test("an error is one line without control characters, whatever it quotes", () => {
  const { stderr } = run(dummy, "x\u001b[31m\nerror: y")
  expect(stderr).toMatch(/^error: unknown command "x\\x1b\[31m\\nerror: y"[^\n]*\n$/)
})

test("an unknown command exits with 2 and names the nearest one", () => {
  const { status, stdout, stderr } = run(dummy, "fial")
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" })
  expect(stderr).toBe(
    'error: unknown command "fial". Did you mean "fail"? Known: detect, fail, wait, print, count, absent\n',
  )
})

test("an unknown flag exits with 2 and names the nearest one", () => {
  const { status, stderr } = run(dummy, "fail", "user", "--epohcs", "3")
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr: 'error: unknown option "--epohcs". Did you mean "--epochs"?\n',
  })
})

test.each([
  ["user", 1, "error: a.png: no such class\n"],
  ["data", 3, "error: b.xml: broken\n"],
  ["low", 4, "error: mAP 0.1 is below 0.5\n"],
  ["full", 1, "error: ENOSPC: no space left on device, write\n"],
  [
    "memory",
    1,
    "error: not enough memory (WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance). Try smaller batches or images, or fewer --workers\n",
  ],
  ["length", 1, /^error: not enough memory \(Invalid typed array length: 300000000000\)\. Try smaller .*\n$/],
])("a user's or the machine's mistake (%s) exits with %i and one line", (how, status, line) => {
  const stderr = typeof line === "string" ? line : expect.stringMatching(line)
  expect(run(dummy, "fail", how)).toEqual({ status, stdout: "", stderr })
})

test.skipIf(!existsSync("/dev/full"))("stdout on a full disk is one line; a log on one ends nothing", () => {
  const full = openSync("/dev/full", "w")
  const into = (stdio: StdioOptions, ...args: string[]) =>
    spawnSync(process.execPath, [dummy, ...args], { encoding: "utf8", stdio }) as SpawnSyncReturns<string>
  try {
    const out = into(["ignore", full, "pipe"], "print")
    expect([out.status, out.stderr]).toEqual([
      1,
      expect.stringMatching(/error: standard output: cannot be written \(ENOSPC: [^\n]*\n$/),
    ])
    expect(out.stderr).not.toContain(" at ")
    expect(into(["ignore", "pipe", full], "fail", "data").status).toBe(3)
  } finally {
    closeSync(full)
  }
})

test("a bug exits with 1 and keeps its stack", () => {
  const { status, stderr } = run(dummy, "fail", "bug")
  expect(status).toBe(1)
  expect(stderr).toMatch(/a bug in resdet[\s\S]*TypeError: x is not a function\n\s+at .*dummy-cli\.mjs/)
})

/** Starts a command that says it is ready, sends it the interrupts one after the other, and waits for its end. */
async function interrupt(signal: NodeJS.Signals, times: number, ...args: string[]) {
  const child = spawn(process.execPath, [dummy, ...args])
  let stdout = ""
  let sent = 0
  const send = () => {
    if (sent++ < times) child.kill(signal)
  }
  child.stdout.on("data", (text) => {
    stdout += text
    if (String(text).includes("ready")) send()
  })
  // The line on stderr says that an interrupt has been taken; only then may the next be sent.
  child.stderr.on("data", send)
  const code = await new Promise((resolve) => child.on("close", (status, killer) => resolve(status ?? killer)))
  return { code, stdout }
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "the first %s lets a command save and exits with 130",
  async (signal) => {
    expect(await interrupt(signal, 1, "wait")).toEqual({ code: 130, stdout: "ready\nsaved\n" })
  },
)

test("the second Ctrl-C ends a command that does not stop", async () => {
  expect(await interrupt("SIGINT", 2, "wait", "--stubborn")).toEqual({ code: 130, stdout: "ready\n" })
})

test("a reader that goes away ends the command quietly", async () => {
  const child = spawn(process.execPath, [dummy, "print"])
  let stderr = ""
  child.stderr.on("data", (text) => {
    stderr += text
  })
  child.stdout.once("data", () => child.stdout.destroy())
  const code = await new Promise((resolve) => child.on("close", resolve))
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
})
