import { execFile } from "node:child_process"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { promisify } from "node:util"
import { UserError } from "../core/errors.js"
import { callOf } from "../core/own-package.js"
import { loaderPath, type NativeEntry } from "../engine/native/cache.js"
import { type AdapterInfo, type GpuInfo, gpuInfo, noGpu, webGpuPackage } from "../engine/webgpu/device.js"

/**
 * What TensorFlow looks up by name when it finds a GPU. @source the wheels that `tensorflow[and-cuda]` 2.21 names
 */
export const cudaLibraries = [
  "libcudart.so.12",
  "libcublas.so.12",
  "libcublasLt.so.12",
  "libcufft.so.11",
  "libcusolver.so.11",
  "libcusparse.so.12",
  "libcudnn.so.9",
] as const

/** The oldest driver that runs CUDA 12. @source CUDA Toolkit release notes, minor version compatibility on Linux */
const oldestDriver = [525, 60, 13] as const

/** Why a driver cannot serve, one line; undefined for one that can, or that does not tell its version. */
export function driverFault(driver: string): string | undefined {
  const version = /\b(\d{3,})\.(\d+)(?:\.(\d+))?\b/
    .exec(driver)
    ?.slice(1)
    .map((part) => Number(part ?? 0))
  if (version === undefined) return undefined
  const at = oldestDriver.findIndex((part, i) => version[i] !== part)
  if (at < 0 || version[at]! > oldestDriver[at]!) return undefined
  return `the NVIDIA driver ${version.join(".")} is too old for CUDA 12: expected ${oldestDriver.join(".")} or newer. Update it`
}

/**
 * Loads each of CUDA's libraries as TensorFlow would, in a process of its own.
 * @returns one line for each that does not load: what the system's loader says
 */
export async function cudaFaults({ folder, manifest }: NativeEntry): Promise<string[]> {
  const faults: string[] = []
  for (const name of cudaLibraries) {
    const own = Object.keys(manifest.files).find((file) => file.endsWith(`/${name}`))
    const library = own === undefined ? name : join(folder, own)
    const env = { ...process.env, RESDET_PRELOAD: library }
    try {
      await promisify(execFile)(process.execPath, ["-e", "require(process.argv[1])", join(folder, loaderPath)], { env })
    } catch (error) {
      const { stderr = "", message } = error as { stderr?: string; message: string }
      const reason = /^Error: (.*)$/m.exec(stderr)?.[1] ?? message.split("\n")[0]
      faults.push(`${name} does not load: ${reason}. Run: ${callOf("setup --gpu")}`)
    }
  }
  return faults
}

/**
 * Looks for a GPU behind WebGPU in a process of its own: a system's graphics drivers are loaded for it, which talk to
 * stderr and need not live in peace with TensorFlow's libraries.
 * @throws UserError when there is none, or the packages are not installed
 */
export async function probeWebGpu(): Promise<GpuInfo> {
  const found = await ask(pathToFileURL(webGpuPackage()).href)
  if (found === null) throw new UserError(noGpu)
  return gpuInfo(found)
}

async function ask(url: string): Promise<AdapterInfo | null> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code, url])
    return JSON.parse(stdout) as AdapterInfo | null
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string }
    throw new UserError(`WebGPU does not load: ${stderr.trim().split("\n").at(-1) || message.split("\n")[0]}`)
  }
}

const code = `
  const { create, globals } = await import(process.argv[1])
  Object.assign(globalThis, globals)
  const adapter = await create([]).requestAdapter({ powerPreference: "high-performance" })
  const { vendor, architecture, device, description } = adapter?.info ?? {}
  process.stdout.write(JSON.stringify(adapter && { vendor, architecture, device, description }))
`
