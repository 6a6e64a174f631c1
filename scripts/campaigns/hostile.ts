/**
 * Gives every file of a folder to the commands that read files of strangers, and prints a table of how each ended: exit code, seconds,
 * the most memory and the first line that is no progress. A file that ends in a stack, takes more than 20 s or 1.5 GB is marked.
 *
 *   npm run -s build
 *   node dist/scripts/campaigns/hostile.js --pack FOLDER --weights detector.safetensors
 */
import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative, resolve } from "node:path"
import { encodeImage } from "../../datasets/image/encode.js"
import { print } from "../../src/cli/report.js"
import { UsageError } from "../../src/core/errors.js"
import { packageFolder } from "../../src/core/own-package.js"
import { writeWhole } from "../../src/core/write-whole.js"
import { parseFlags } from "../flags.js"

const { values } = parseFlags({ options: { pack: { type: "string" }, weights: { type: "string" } } })
if (values.pack === undefined || values.weights === undefined) {
  throw new UsageError("hostile: expected --pack and --weights")
}
const [pack, weights] = [resolve(values.pack), resolve(values.weights)]

const most = { seconds: 20, megabytes: 1500 }
const root = mkdtempSync(join(tmpdir(), "resdet-hostile-"))

/** What is done with a file, each in a folder of its own. */
const commands: Readonly<Record<string, (file: string) => readonly string[]>> = {
  info: (file) => ["info", file],
  import: (file) => ["import", file, "--model", "resnet18", "--out", "imported.safetensors"],
  "detect --source": (file) => ["detect", "--weights", weights, "--source", file, "--out", "found"],
  "detect --weights": (file) => ["detect", "--weights", file, "--source", photo, "--out", "found"],
  "dataset check": (file) => ["dataset", "check", file],
  "eval --gt": (file) => ["eval", "--gt", file, "--predictions", file],
  "eval --predictions": (file) => ["eval", "--gt", truths, "--predictions", file],
  "--config": (file) => ["train", "--config", file, "--data", "nowhere"],
}

/** What is whole. */
const [photo, truths] = [join(root, "a.png"), join(root, "truths.json")]
const pixels = { data: new Uint8Array(3 * 64 * 64).fill(77), width: 64, height: 64 }
writeWhole(photo, await encodeImage(pixels, { format: "png" }))
const images = [{ id: 1, file_name: "a.png", width: 64, height: 64 }]
const annotations = [{ id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 30, 40], area: 1200, iscrowd: 0 }]
writeWhole(truths, JSON.stringify({ images, categories: [{ id: 1, name: "dog" }], annotations }))

let bad = 0
try {
  print("| file | command | exit code | s | MB | first line |\n|---|---|---|---|---|---|")
  const entries = readdirSync(pack, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  for (const file of entries.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    for (const [name, args] of Object.entries(commands)) {
      const cwd = mkdtempSync(join(root, "run-"))
      const { code, seconds, megabytes, said } = await run(args(file), cwd)
      const isBad = code === null || /this is a bug|^ {4}at /m.test(said) || megabytes > most.megabytes
      if (isBad) bad++
      const cells = [relative(pack, file), name, code ?? "killed", seconds.toFixed(1), megabytes, firstLine(said, file)]
      print(`| ${cells.join(" | ")} |${isBad ? " **bad**" : ""}`)
    }
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
process.exitCode = bad === 0 ? 0 : 1

interface Ended {
  readonly code: number | null
  readonly seconds: number
  readonly megabytes: number
  readonly said: string
}

function run(args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((done) => {
    const began = performance.now()
    const child = spawn(process.execPath, [join(packageFolder(), "bin/resdet.js"), ...args], {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
    })
    let said = ""
    let megabytes = 0
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text
      })
    }
    const watching = setInterval(() => {
      megabytes = Math.max(megabytes, peakOf(child.pid!))
      if (performance.now() - began > 1000 * most.seconds) child.kill("SIGKILL")
    }, 20)
    child.on("close", (code) => {
      clearInterval(watching)
      done({ code, seconds: (performance.now() - began) / 1000, megabytes, said })
    })
  })
}

/** The most memory that a process has had, in megabytes; 0 where the system does not tell. */
function peakOf(pid: number): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}

function firstLine(said: string, file: string): string {
  const line = said.split("\n").find((one) => /^(error|.*: (skipped|zero|broken|unreadable))/.test(one))
  return (line ?? said.split("\n")[0] ?? "").replaceAll(file, "FILE").replaceAll("|", "\\|").slice(0, 160)
}
