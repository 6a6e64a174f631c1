import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, statSync, utimesSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { TestProject } from "vitest/node"

const root = fileURLToPath(new URL("../..", import.meta.url))
/** The compiler's record of what it has built: as new as the last build. */
const record = join(root, "dist/.tsbuildinfo")
/** What `tsconfig.build.json` compiles, and what says how. */
const sources = ["src", "datasets", "scripts", "package.json", "tsconfig.json", "tsconfig.build.json"]

/** Builds `dist/`, which the command line tests run, before the tests and again before each watched rerun. */
export default function setup(project: TestProject): void {
  buildIfStale()
  project.onTestsRerun(buildIfStale)
}

/** The compiler writes its output in spite of type errors: they are printed, and the tests tell the rest. */
function buildIfStale(): void {
  const builtAt = existsSync(record) ? statSync(record).mtimeMs : 0
  if (!sources.some((source) => isNewer(join(root, source), builtAt))) return
  const startedAt = new Date()
  const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc")
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  })
  if (!existsSync(record)) throw new Error("tsc built nothing")
  for (const name of ["bundle-gradients", "bundle-web"]) {
    const script = join(root, "dist/scripts", `${name}.js`)
    if (spawnSync(process.execPath, [script], { stdio: "inherit" }).status !== 0) throw new Error(`${name} failed`)
  }
  // Where nothing but a date has changed, the compiler leaves its record as it is.
  if (status === 0) utimesSync(record, startedAt, startedAt)
}

/** Whether a file, or a folder or anything in it, was changed after `time`; a folder also changes when a file goes. */
function isNewer(path: string, time: number): boolean {
  const status = statSync(path)
  if (status.mtimeMs > time) return true
  return status.isDirectory() && readdirSync(path).some((name) => isNewer(join(path, name), time))
}
