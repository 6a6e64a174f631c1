/**
 * Files to 12 numbers, beside other evaluators on the same files, by turns; and the memory that a 600 MB results file
 * takes. A table on stderr, one JSON document on stdout.
 * `npm run bench:eval [-- --peer hotcoco --peer pycocotools --python /path/to/python --runs 3]`; Python also from
 * RESDET_PYTHON, else python3. Peers: pycocotools, faster-coco-eval, hotcoco.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { cocoSize, writeBenchData } from "./bench-eval-data.js"
import { parseFlags } from "./flags.js"

const BIG_FILE_DETECTIONS = 6_300_000
/** A detector's results of COCO val2017 as they come, and those above a score threshold. */
const CASES = { large: 372_661, small: 43_700 }
const TRUTHS = 36_536

const PEERS: Readonly<Record<string, string>> = {
  pycocotools: "from pycocotools.coco import COCO; from pycocotools.cocoeval import COCOeval",
  "faster-coco-eval": "from faster_coco_eval import COCO, COCOeval_faster as COCOeval",
  hotcoco: "from hotcoco import COCO, COCOeval",
}

const peerProgram = (imports: string) => `
import sys, time, json, os, resource
out = os.dup(1); os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
${imports}
start = time.time()
truths = COCO(sys.argv[1]); results = (truths.loadRes if hasattr(truths, "loadRes") else truths.load_res)(sys.argv[2])
loaded = time.time()
e = COCOeval(truths, results, "bbox"); e.evaluate(); e.accumulate()
done = time.time()
e.summarize()
usage = resource.getrusage(resource.RUSAGE_SELF)
os.write(out, json.dumps({"load": loaded - start, "evaluate": done - loaded, "cpu": usage.ru_utime + usage.ru_stime,
  "peak": usage.ru_maxrss / 1024, "stats": [float(x) for x in list(e.stats)[:12]]}).encode())
`

interface Run {
  readonly load?: number
  /** Matching and accumulation. */
  readonly evaluate?: number
  /** Processor time of the whole process. */
  readonly cpu?: number
  readonly peak?: number
  readonly stats: readonly number[]
  /** Wall clock of the whole process. */
  readonly wall: number
}

const { values } = parseFlags({
  options: {
    python: { type: "string" },
    peer: { type: "string", multiple: true, default: [] },
    runs: { type: "string", default: "3" },
  },
})
const python = values.python ?? process.env.RESDET_PYTHON ?? "python3"
const folder = mkdtempSync(join(tmpdir(), "bench-eval-"))
const ours = join(import.meta.dirname, "bench-eval-ours.js")
const command = join(import.meta.dirname, "../../bin/resdet.js")
try {
  const cases = Object.entries(CASES).map(([name, detections]) => {
    const files = [join(folder, `${name}-truths.json`), join(folder, `${name}-results.json`)] as const
    writeBenchData(files[0], files[1], { ...cocoSize, truths: TRUTHS, detections })
    return { name, detections, medians: measure(files) }
  })
  const big = join(folder, "big.json")
  writeBenchData(join(folder, "truths.json"), big, { ...cocoSize, detections: BIG_FILE_DETECTIONS })
  const bigBytes = statSync(big).size
  const bigRead = JSON.parse(execFileSync(process.execPath, [ours, "--read", big], { encoding: "utf8" }))
  console.error(
    `${(bigBytes / 1e6).toFixed(0)} MB of results (${bigRead.records} records): ${bigRead.seconds.toFixed(1)} s, peak ${bigRead.peak.toFixed(0)} MB (${bigRead.peakBefore.toFixed(0)} MB before)`,
  )
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version }
  console.log(
    JSON.stringify({ machine, size: { ...cocoSize, truths: TRUTHS }, cases, bigFile: { bytes: bigBytes, ...bigRead } }),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The median run of each evaluator by its wall clock, the evaluators taking turns. */
function measure([truths, results]: readonly [string, string]): Record<string, Run> {
  const evalCommand = (...flags: string[]) => {
    const args = [command, "eval", "--gt", truths, "--predictions", results, "--json", "-", ...flags]
    return timed(process.execPath, args, ({ coco }) => ({ stats: Object.values(coco as Record<string, number>) }))
  }
  const programs: Record<string, () => Run> = {
    "resdet, 12 numbers": () => timed(process.execPath, [ours, truths, results]),
    "resdet eval, COCO's": () => evalCommand("--metrics", "coco", "--no-details"),
    "resdet eval, all": () => evalCommand(),
  }
  for (const peer of values.peer) {
    const imports = PEERS[peer]
    if (!imports) throw new Error(`--peer: expected one of ${Object.keys(PEERS).join(", ")}, got "${peer}"`)
    programs[peer] = () => timed(python, ["-c", peerProgram(imports), truths, results])
  }
  const runs: Record<string, Run[]> = Object.fromEntries(Object.keys(programs).map((name) => [name, []]))
  for (let turn = 0; turn < Number(values.runs); turn++) {
    for (const [name, run] of Object.entries(programs)) runs[name]!.push(run())
  }
  const medians = Object.fromEntries(
    Object.entries(runs).map(([name, all]) => [name, all.sort((a, b) => a.wall - b.wall)[all.length >> 1]!]),
  )
  const reference = medians["resdet, 12 numbers"]!
  console.error(`${results}\n                       load   evaluate        cpu       wall   peak MB  the 12 numbers`)
  for (const [name, run] of Object.entries(medians)) {
    const cells = [run.load, run.evaluate, run.cpu, run.wall].map((s) =>
      (s === undefined ? "" : s.toFixed(2)).padStart(10),
    )
    const off = Math.max(...run.stats.map((value, i) => Math.abs(value - reference.stats[i]!)))
    console.error(
      `${name.padEnd(18)} ${cells.join(" ")} ${(run.peak?.toFixed(0) ?? "").padStart(9)}  ${off === 0 ? "equal" : `off by ${off}`}`,
    )
  }
  return medians
}

function timed(
  program: string,
  args: readonly string[],
  read: (document: Record<string, unknown>) => Omit<Run, "wall"> = (document) => document as unknown as Run,
): Run {
  const start = performance.now()
  const text = execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 })
  const wall = (performance.now() - start) / 1000
  return { ...read(JSON.parse(text)), wall }
}
