import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { log, print } from "../src/cli/report.js"
import { packageFolder } from "../src/core/own-package.js"

// What a new user does: packs this package, installs it in an empty folder with npm's own defaults, and runs it there on the engine
// that is there. Ends with exit code 1 at the first thing that fails.

/** What `node_modules` may weigh. */
const mostMegabytes = 250

const root = packageFolder()
const folder = mkdtempSync(join(tmpdir(), "resdet-package-"))
const app = join(folder, "app")
/** The user's own environment, but for this checkout's settings and cache: scripts of packages run. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|RESDET_|NODE_OPTIONS|ORT_)/i.test(name)),
)
const env = { ...environment, RESDET_CACHE: join(folder, "cache"), npm_config_ignore_scripts: "false" }

try {
  mkdirSync(app)
  // Built already, by the script that calls this one.
  call(root, "npm", "pack", "--ignore-scripts", "--pack-destination", folder)
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz"))!
  call(app, "npm", "init", "--yes")
  call(app, "npm", "install", "--no-audit", "--no-fund", join(folder, tarball))
  const megabytes = sizeOf(join(app, "node_modules")) / 1e6
  print(`node_modules ${megabytes.toFixed(0)} MB`)
  if (megabytes > mostMegabytes) fail(`expected at most ${mostMegabytes} MB`)
  refuseDevelopment(call(app, "npm", "ls", "--all", "--parseable"))

  const resdet = (...args: string[]) => call(app, "npx", "--no-install", "resdet", ...args)
  resdet("doctor")
  resdet("dataset", "demo", "shapes", "--shapes", "--images", "4", "--val-images", "2")
  const tiny = ["--model", "fasterrcnn_resnet18_c4", "--size", "64", "--batch", "1", "--workers", "1"]
  resdet("train", "--data", "shapes", ...tiny, "--steps", "2", "--val-every", "0", "--out", "run")
  const weights = join("run", "weights", "last.safetensors")
  resdet("eval", "--weights", weights, "--data", "shapes", "--json", "scores.json")
  resdet("detect", "--weights", weights, "--source", join("shapes", "JPEGImages", "000000.jpg"), "--out", "found")
  compile()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** A program of a user's, which must compile with the libraries' types checked too, and run. */
function compile(): void {
  const installed = createRequire(import.meta.url)
  const types = dirname(installed.resolve("@types/node/package.json"))
  cpSync(types, join(app, "node_modules", "@types", "node"), { recursive: true })
  const undici = join(dirname(dirname(types)), "undici-types")
  cpSync(undici, join(app, "node_modules", "undici-types"), { recursive: true })
  const description = { private: true, type: "module" }
  writeFileSync(join(app, "package.json"), JSON.stringify(description))
  writeFileSync(
    join(app, "program.ts"),
    `import { type Detection, loadDetector } from "resdet"
import { evaluate } from "resdet/eval"
const detector = await loadDetector("run/weights/last.safetensors")
const { detections } = await detector.detect("shapes/JPEGImages/000000.jpg")
const labels: readonly string[] = detections.map(({ label }: Detection) => label)
console.log(typeof evaluate, labels.length, detector.classes.length)
detector.dispose()
`,
  )
  const flags = ["--strict", "--module", "nodenext", "--target", "es2022"]
  call(app, process.execPath, installed.resolve("typescript/bin/tsc"), ...flags, "program.ts")
  if (!/^function \d+ 5\n$/.test(call(app, process.execPath, "program.js"))) fail("the program printed something else")
}

/** Packages that only our tests need have no place in a user's install. */
function refuseDevelopment(listing: string): void {
  const { devDependencies } = createRequire(import.meta.url)("resdet/package.json") as {
    devDependencies: Record<string, string>
  }
  const packages = new Set(
    listing.split("\n").map((line) =>
      line
        .split(/node_modules[\\/]/)
        .at(-1)!
        .replace("\\", "/"),
    ),
  )
  const found = Object.keys(devDependencies).filter((name) => packages.has(name))
  if (found.length > 0) fail(`the install has packages that only development needs: ${found.join(", ")}`)
}

function call(cwd: string, program: string, ...args: string[]): string {
  const began = performance.now()
  const shown = [program, ...args].join(" ").replaceAll(folder, "..")
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env,
    encoding: "utf8",
    shell: program !== process.execPath && process.platform === "win32",
  })
  log(`${status === 0 ? "ok  " : "FAIL"} ${((performance.now() - began) / 1000).toFixed(1)} s  ${shown}`)
  if (status !== 0) fail(`${stdout}\n${stderr}`)
  return stdout
}

function sizeOf(path: string): number {
  const status = statSync(path)
  if (!status.isDirectory()) return status.size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

function fail(why: string): never {
  rmSync(folder, { recursive: true, force: true })
  log(why)
  process.exit(1)
}
