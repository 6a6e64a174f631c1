import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { expect, test } from "vitest"

const run = (script: string, ...args: string[]) =>
  spawnSync(process.execPath, [resolve("dist/scripts", script), ...args], { encoding: "utf8" })

test("--help prints the comment at a script's head", () => {
  const { status, stdout, stderr } = run("campaigns/stops.js", "--help")
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" })
  expect(stdout).toMatch(/^Stops and kills runs.*\n\n {2}npm run -s build\n/)
  // The compiler puts helpers of its own above this one's.
  expect(run("test-time.js", "--help").stdout).toMatch(/^What each way of looking at images is worth/)
})

test("a wrong flag, a missing one and a wrong value are one line each, and exit code 2", () => {
  const mistakes = [["--nope"], ["extra"], ["--jobs", "none"], ["--faults", "rain"]].map((args) =>
    run("campaigns/stops.js", ...args),
  )
  for (const { status, stderr } of [...mistakes, run("degradation.js")]) {
    expect(status).toBe(2)
    expect(stderr).toMatch(/^error: .+\n$/)
  }
  expect(mistakes[0]?.stderr).toBe("error: Unknown option '--nope'; --help tells of all\n")
})

test("every script reads its flags in that way", () => {
  const files = readdirSync("scripts", { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))
  const others = files.filter((file) => readFileSync(join("scripts", file), "utf8").includes("parseArgs"))
  expect(others).toEqual(["flags.ts"])
})
