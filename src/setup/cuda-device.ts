import { gpuQuery, nvidiaSmi } from "../engine/native/gpu-query.js"
import { run } from "./programs.js"

/** The GPU that CUDA computes on, and what is to be known of it before times are taken. */
export interface CudaDevice {
  /** As its driver names it, such as `NVIDIA H100 80GB HBM3`. */
  readonly name: string
  /** Such as `9.0`; null where the driver does not tell. */
  readonly computeCapability: string | null
  /** Bytes; null where the driver does not tell. */
  readonly memory: number | null
  /** Whether convolutions and products round their inputs to 10 bits of mantissa: NVIDIA_TF32_OVERRIDE=0 turns it off. */
  readonly tf32: boolean
  /** Whether sums are made in a fixed order: TF_DETERMINISTIC_OPS=0 turns it off. */
  readonly deterministic: boolean
  /** What the first step costs beside the step itself, in words. */
  readonly firstStep: string
}

/**
 * Asks the driver's `nvidia-smi` for the first GPU that this process may see.
 * @returns values of which some are null where it does not answer, as in containers without it
 */
export async function cudaDevice(environment: NodeJS.ProcessEnv = process.env): Promise<CudaDevice> {
  const { code, output } = await run(nvidiaSmi, gpuQuery("name,compute_cap,memory.total", environment))
  const [name, capability, mebibytes] = code === 0 ? output.trim().split(/\s*,\s*/) : []
  const computeCapability = /^\d+\.\d+$/.test(capability ?? "") ? capability! : null
  return {
    name: name || "a GPU that nvidia-smi does not name",
    computeCapability,
    memory: Number(mebibytes) > 0 ? Number(mebibytes) * 2 ** 20 : null,
    // Older GPUs have no units for it.
    tf32: environment.NVIDIA_TF32_OVERRIDE !== "0" && Number(computeCapability ?? 8) >= 8,
    deterministic: ["1", "true"].includes(environment.TF_DETERMINISTIC_OPS ?? ""),
    firstStep: firstStepOf(computeCapability),
  }
}

/**
 * What the wheel of TensorFlow 2.21.0 has for GPUs: machine code of these compute capabilities, which run on newer ones of the same
 * first number, and code for 9.0 and newer that the driver compiles. @source `cuda_compute_capabilities` in the wheel's
 *   tensorflow/python/platform/build_info.py; the CUDA C++ programming guide on compatibility
 */
const machineCode = ["6.0", "7.0", "8.0", "8.9"]

/** What is done once, before the first step is through, on a GPU of a compute capability. */
export function firstStepOf(computeCapability: string | null): string {
  if (computeCapability === null)
    return "may compile TensorFlow's kernels, for minutes: the compute capability is not known"
  const [major, minor] = computeCapability.split(".").map(Number) as [number, number]
  const isReady = machineCode.some((known) => {
    const [ownMajor, ownMinor] = known.split(".").map(Number) as [number, number]
    return major === ownMajor && minor >= ownMinor
  })
  if (isReady) return "compiles nothing; cuDNN tries its algorithms once for each new size of image"
  if (major >= 9)
    return "compiles TensorFlow's kernels for this GPU, for minutes, once: keep the folder CUDA_CACHE_PATH (~/.nv/ComputeCache)"
  return `TensorFlow 2.21 has no code for compute capability ${computeCapability}: expected 6.0 or newer`
}

/** The device on one line. */
export function deviceLine({ name, computeCapability, memory, tf32, deterministic }: CudaDevice): string {
  const parts = [
    name,
    ...(computeCapability === null ? [] : [`compute capability ${computeCapability}`]),
    ...(memory === null ? [] : [`${(memory / 2 ** 30).toFixed(0)} GiB`]),
    `TF32 ${tf32 ? "on" : "off"}`,
    deterministic ? "deterministic" : "not deterministic",
  ]
  return parts.join(", ")
}
