import { type Command, Option } from "commander"
import { type EngineChoice, engineChoices } from "../engine/names.js"
import type { DoctorReport } from "../setup/doctor.js"

interface DoctorFlags {
  readonly engine: EngineChoice
  readonly json?: string
}

/** `resdet doctor`: what this machine can run, and the cure for what is missing. */
export function configure(command: Command): void {
  command
    .description("what this machine can run, and the cure for what is missing")
    .addOption(
      new Option("--engine <name>", "which engine to look at")
        .choices(engineChoices)
        .default("auto")
        .env("RESDET_ENGINE"),
    )
    .option("--json <file>", "the report as JSON; - is standard output")
    .action(doctor)
}

async function doctor(flags: DoctorFlags): Promise<void> {
  const { examine } = await import("../setup/doctor.js")
  const report = await examine(flags.engine)
  if (flags.json === undefined) {
    for (const [name, value] of lines(report)) console.log(`${name.padEnd(14)}${value}`)
    return
  }
  const text = `${JSON.stringify(report, undefined, 2)}\n`
  if (flags.json === "-") process.stdout.write(text)
  else (await import("node:fs")).writeFileSync(flags.json, text)
}

function lines(report: DoctorReport): [name: string, value: string][] {
  const { versions, memory, cache, tools } = report
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  const missing = "not found"
  const threads = report.engine === "wasm" ? "1 (WebAssembly in Node is single threaded)" : `${report.threads}`
  return [
    ["engine", `${report.engine}${report.engineWorks ? ", gives the right values" : ", gives WRONG values"}`],
    ["resdet", versions.resdet],
    ["node", `${versions.node} (${report.platform})`],
    ["tfjs", versions.tfjs],
    ["libtensorflow", versions.libtensorflow ?? "not in use"],
    ["threads", `${threads}; ${report.cores} cores`],
    ["GPU", report.usesGpu ? `in use (${report.gpuDriver ?? report.webGpu?.device})` : (report.gpuDriver ?? "none")],
    ["WebGPU", report.webGpu ? `${report.webGpu.device} (${report.webGpu.driver})` : "no GPU that it can use"],
    ["memory", `${gigabytes(memory.total)}, ${gigabytes(memory.free)} free`],
    ["cache", `${cache.folder}${cache.native ? " (native engine set up)" : " (no native engine)"}`],
    ["pip", tools.pip ?? missing],
    ["compiler", tools.compiler ?? missing],
    ["Node headers", tools.nodeHeaders ?? `${missing}: setup downloads them`],
    ["sharp", versions.sharp ?? missing],
    ["onnxruntime", versions.onnxruntime ?? missing],
    ...(report.cures.length ? report.cures : ["nothing is missing"]).map((cure): [string, string] => ["to do", cure]),
  ]
}
