import { createRequire } from "node:module"
import { availableParallelism, freemem, totalmem } from "node:os"
import * as tf from "@tensorflow/tfjs-core"
import { cacheFolder, callOf } from "../core/own-package.js"
import type { EngineChoice, EngineName } from "../engine/names.js"
import { findNative } from "../engine/native/cache.js"
import { computeThreads, gpuDriver } from "../engine/native/load.js"
import { isOnCuda } from "../engine/native/op.js"
import { onnxRuntimeVersion } from "../engine/onnx-runtime.js"
import { bf16Units } from "../engine/precision.js"
import { startEngine } from "../engine/start.js"
import type { GpuInfo } from "../engine/webgpu/device.js"
import { type CudaDevice, cudaDevice } from "./cuda-device.js"
import { cudaFaults, driverFault, probeWebGpu } from "./gpu.js"
import { findCompiler, findPip, run } from "./programs.js"
import { checkEngine } from "./self-check.js"

/** What this machine can run. `cure` lines say, one by one, what is missing and how to get it. */
export interface DoctorReport {
  readonly engine: EngineName
  /** Whether a matrix product, a convolution and its gradient give the right values. */
  readonly engineWorks: boolean
  readonly versions: {
    readonly resdet: string
    readonly node: string
    readonly tfjs: string
    /** null when the native engine does not run, "unknown" when it was not set up by us. */
    readonly libtensorflow: string | null
    readonly sharp: string | null
    readonly onnxruntime: string | null
  }
  readonly platform: string
  /** Processor threads the engine uses: WebAssembly runs on one. */
  readonly threads: number
  readonly cores: number
  /** What the processor multiplies bfloat16 with, for `--precision bf16`: AMX, AVX-512, both, or nothing. */
  readonly bf16: readonly string[]
  /** The NVIDIA driver, or null; `usesGpu` whether the engine computes on it. */
  readonly gpuDriver: string | null
  readonly usesGpu: boolean
  /** The GPU that the engine computes on by CUDA, or null. */
  readonly cuda: CudaDevice | null
  /** The GPU that the engine `webgpu` would use, or null. */
  readonly webGpu: GpuInfo | null
  /** Bytes. */
  readonly memory: { readonly total: number; readonly free: number }
  readonly cache: { readonly folder: string; readonly native: string | null }
  readonly tools: { readonly pip: string | null; readonly compiler: string | null }
  readonly cures: readonly string[]
}

/** Starts the engine and looks at everything it depends on. */
export async function examine(choice: EngineChoice = "auto"): Promise<DoctorReport> {
  const native = findNative()
  const engine = await startEngine(choice)
  const cures: string[] = []
  // Before anything else: asking for another engine makes that one current.
  const engineWorks = (await checkEngine()).every(({ passed }) => passed)
  const whyNotNative = engine === "wasm" && choice === "auto" ? await refusal() : undefined
  if (whyNotNative) cures.push(`${whyNotNative} (now: WebAssembly, one thread, several times slower)`)
  if (!engineWorks) cures.push(`the ${engine} engine gives wrong values. Run: ${callOf("setup")}, and report this`)
  const [pip, compiler] = await Promise.all([pipVersion(), findCompiler()])
  if (!native && !pip) cures.push("pip was not found: setup fetches TensorFlow with it. Install Python 3 with pip")
  if (!native && !compiler) cures.push("no C++ compiler was found: setup builds with it. Install g++ and make")
  const driver = gpuDriver() ?? null
  const usesGpu = engine === "tensorflow" && isOnCuda()
  const cuda = usesGpu ? await cudaDevice() : null
  if (driver) {
    const fault = driverFault(driver)
    if (fault) cures.push(fault)
    if (native?.manifest.device === "gpu") {
      const faults = await cudaFaults(native)
      cures.push(...faults)
      if (engine === "tensorflow" && !usesGpu && !fault && faults.length === 0)
        cures.push("the CUDA build does not use the GPU. TF_CPP_MIN_LOG_LEVEL=0 npx resdet doctor tells why")
    } else if (engine !== "webgpu")
      cures.push(`there is an NVIDIA driver, but the engine does not use the GPU. Run: ${callOf("setup --gpu")}`)
  }
  const webGpu = await probeWebGpu().catch((error: Error) => error)
  if (!(webGpu instanceof Error) && !webGpu.isSoftware && engine !== "webgpu" && !usesGpu)
    cures.push(`the ${engine} engine does not use the GPU (${webGpu.device}). Try --engine webgpu`)
  const sharp = sharpVersion()
  if (!sharp)
    cures.push(
      `sharp does not load: images are decoded slowly. Run: npm install --os=${process.platform} --cpu=${process.arch} sharp`,
    )
  const onnxruntime = onnxRuntimeVersion() ?? null
  if (!onnxruntime) cures.push(`ONNX Runtime is not set up: detection is slower. Run: ${callOf("setup")}`)
  const cores = availableParallelism()
  return {
    engine,
    engineWorks,
    versions: {
      resdet: resdetVersion(),
      node: process.versions.node,
      tfjs: tf.version_core,
      libtensorflow: engine === "tensorflow" ? (native?.manifest.libtensorflow ?? "unknown") : null,
      sharp,
      onnxruntime,
    },
    platform: `${process.platform} ${process.arch}`,
    threads: engine === "wasm" ? 1 : engine === "tensorflow" ? computeThreads() : cores,
    cores,
    bf16: bf16Units(),
    gpuDriver: driver,
    usesGpu: usesGpu || (engine === "webgpu" && !(webGpu instanceof Error) && !webGpu.isSoftware),
    cuda,
    webGpu: webGpu instanceof Error ? null : webGpu,
    memory: { total: totalmem(), free: freemem() },
    cache: { folder: cacheFolder(), native: native?.folder ?? null },
    tools: { pip, compiler: compiler?.version ?? null },
    cures,
  }
}

async function refusal(): Promise<string> {
  const error = await startEngine("tensorflow").then(
    () => undefined,
    (reason: Error) => reason,
  )
  return error?.message ?? "native TensorFlow starts only at the second try"
}

async function pipVersion(): Promise<string | null> {
  const pip = await findPip()
  if (!pip) return null
  const { output } = await run(pip[0], [...pip.slice(1), "--version"])
  return /^pip \S+/m.exec(output)?.[0] ?? pip.join(" ")
}

function sharpVersion(): string | null {
  try {
    const sharp = createRequire(import.meta.url)("sharp") as { versions: { sharp?: string } }
    return sharp.versions.sharp ?? "unknown"
  } catch {
    return null
  }
}

function resdetVersion(): string {
  return (createRequire(import.meta.url)("resdet/package.json") as { version: string }).version
}
