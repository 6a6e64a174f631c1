/**
 * Files to 12 numbers at the size of COCO val2017, beside pycocotools on the same files where a Python has it, and the
 * memory that a 600 MB results file takes. A table on stderr, one JSON document on stdout.
 * `npm run bench:eval [-- --python /path/to/python]`, Python also from RESDET_PYTHON; else python3.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { cocoSize, writeBenchData } from "./bench-eval-data.js"

const BIG_FILE_DETECTIONS = 6_300_000
const RUNS = 3
const PYCOCOTOOLS = `
import sys, time, json, io, contextlib, resource
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
with contextlib.redirect_stdout(io.StringIO()):
    start = time.time()
    truths = COCO(sys.argv[1]); results = truths.loadRes(sys.argv[2])
    loaded = time.time()
    e = COCOeval(truths, results, "bbox"); e.evaluate()
    evaluated = time.time()
    e.accumulate(); e.summarize()
    done = time.time()
print(json.dumps({"load": loaded - start, "evaluate": evaluated - loaded, "accumulate": done - evaluated,
  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "stats": list(e.stats)}))
`

interface Run {
  readonly load: number
  readonly evaluate: number
  readonly accumulate?: number
  readonly peak: number
  readonly stats: readonly number[]
  /** Wall clock of the whole process. */
  readonly wall: number
}

const { values } = parseArgs({ options: { python: { type: "string" } } })
const python = values.python ?? process.env.RESDET_PYTHON ?? "python3"
const folder = mkdtempSync(join(tmpdir(), "bench-eval-"))
const ours = join(import.meta.dirname, "bench-eval-ours.js")
try {
  const [truths, results, big] = ["truths.json", "results.json", "big.json"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  writeBenchData(truths, results, cocoSize)
  const runs = Array.from({ length: RUNS }, () => timed(process.execPath, [ours, truths, results]))
  const best = runs.reduce((a, b) => (b.wall < a.wall ? b : a))
  const hasReference = spawnSync(python, ["-c", "import pycocotools"]).status === 0
  const reference = hasReference ? timed(python, ["-c", PYCOCOTOOLS, truths, results]) : undefined
  writeBenchData(truths, big, { ...cocoSize, detections: BIG_FILE_DETECTIONS })
  const bigBytes = statSync(big).size
  const bigRead = JSON.parse(execFileSync(process.execPath, [ours, "--read", big], { encoding: "utf8" }))
  const row = (name: string, run: Run) =>
    `${name.padEnd(13)} ${[run.load, run.evaluate, run.accumulate ?? 0, run.wall].map((s) => s.toFixed(2).padStart(10)).join(" ")} ${run.peak.toFixed(0).padStart(9)}`
  console.error(`               load (s)   evaluate accumulate    process   peak MB`)
  console.error(row("resdet", best))
  if (reference) {
    console.error(row("pycocotools", reference))
    console.error(`${(reference.wall / best.wall).toFixed(1)} times faster, process against process`)
    const equal = reference.stats.every((value, i) => value === best.stats[i])
    console.error(equal ? "the 12 numbers are equal to the last bit" : "THE 12 NUMBERS DIFFER")
  } else console.error(`pycocotools: not run, ${python} cannot import it`)
  console.error(
    `${(bigBytes / 1e6).toFixed(0)} MB of results (${bigRead.records} records): ${bigRead.seconds.toFixed(1)} s, peak ${bigRead.peak.toFixed(0)} MB (${bigRead.peakBefore.toFixed(0)} MB before)`,
  )
  console.log(
    JSON.stringify({
      machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
      size: cocoSize,
      ours: { best, runs },
      pycocotools: reference ?? null,
      bigFile: { bytes: bigBytes, ...bigRead },
    }),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function timed(command: string, args: readonly string[]): Run {
  const start = performance.now()
  const run = JSON.parse(execFileSync(command, args, { encoding: "utf8" })) as Omit<Run, "wall">
  return { ...run, wall: (performance.now() - start) / 1000 }
}
