import { type CudaDevice, deviceLine } from "../setup/cuda-device.js"
import type { DoctorReport } from "../setup/doctor.js"
import { examineSchema } from "../tasks/options/examine.js"
import { defineCommand } from "./command.js"

export const command = defineCommand({
  schema: examineSchema,
  async run(options) {
    const { examine } = await import("../tasks/examine.js")
    const report = await examine(options)
    return {
      text: lines(report)
        .map(([name, value]) => name.padEnd(14) + value)
        .join("\n"),
      document: report,
    }
  },
})

const cudaLines = (cuda: CudaDevice): [string, string][] => [
  ["CUDA", deviceLine(cuda)],
  ["first step", cuda.firstStep],
]

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
    ["bf16", report.bf16.length > 0 ? `${report.bf16.join(" and ")} (--precision bf16)` : "none"],
    ["GPU", report.usesGpu ? `in use (${report.gpuDriver ?? report.webGpu?.device})` : (report.gpuDriver ?? "none")],
    ...(report.cuda ? cudaLines(report.cuda) : []),
    ["WebGPU", report.webGpu ? `${report.webGpu.device} (${report.webGpu.driver})` : "no GPU that it can use"],
    ["memory", `${gigabytes(memory.total)}, ${gigabytes(memory.free)} free`],
    ["cache", `${cache.folder}${cache.native ? " (native engine set up)" : " (no native engine)"}`],
    ["pip", tools.pip ?? missing],
    ["compiler", tools.compiler ?? missing],
    ["sharp", versions.sharp ?? missing],
    ["onnxruntime", versions.onnxruntime ?? missing],
    ...(report.cures.length ? report.cures : ["nothing is missing"]).map((cure): [string, string] => ["to do", cure]),
  ]
}
