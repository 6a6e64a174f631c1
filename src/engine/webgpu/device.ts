import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import * as tf from "@tensorflow/tfjs-core"
import { UserError } from "../../core/errors.js"
import { findFetched } from "../../core/fetched-package.js"
import { callOf } from "../../core/own-package.js"
import { type BufferStore, BufferTrimmer } from "./memory.js"

const require = createRequire(import.meta.url)

/** What Dawn tells of the device behind WebGPU. */
export interface GpuInfo {
  /** Such as `NVIDIA H100` or `SwiftShader Device (Subzero)`. */
  readonly device: string
  /** The interface of the system that Dawn uses: Vulkan, Metal or D3D12, with the driver as it names itself. */
  readonly driver: string
  /** Whether it is a processor that plays a GPU: right, and slower than WebAssembly. */
  readonly isSoftware: boolean
}

/**
 * Puts Dawn's WebGPU where browsers have theirs, and registers TensorFlow.js's kernels for it. A second call changes
 * nothing.
 * @throws UserError when Dawn is not here, or there is no GPU that it can use
 */
export async function loadWebGpu(): Promise<GpuInfo> {
  info ??= open()
  return info
}

let info: Promise<GpuInfo> | undefined

async function open(): Promise<GpuInfo> {
  const adapter = await (await installWebGpu()).requestAdapter({ powerPreference: "high-performance" })
  if (!adapter) throw new UserError(noGpu)
  await import("@tensorflow/tfjs-backend-webgpu")
  return gpuInfo(adapter.info)
}

export const noGpu =
  "no GPU that WebGPU can use was found. It takes a Vulkan driver on Linux, Metal on macOS, Direct3D 12 on Windows"

export function gpuInfo({ vendor, architecture, device, description }: AdapterInfo): GpuInfo {
  return {
    device: device || [vendor, architecture].filter(Boolean).join(" ") || "unknown",
    driver: description || vendor,
    isSoftware: /swiftshader|llvmpipe/i.test(`${device} ${architecture} ${description}`),
  }
}

/** Hears of what goes wrong on the GPU: nothing that was asked of it fails by itself, its results are only wrong. */
export function watchGpu(): void {
  const { device, bufferManager } = tf.backend() as unknown as { device: GpuDevice; bufferManager: BufferStore }
  if (watched === device) return
  watched = device
  trimmer = new BufferTrimmer(bufferManager)
  failure = undefined
  device.onuncapturederror = ({ error }) => {
    failure ??= gpuError(error.message, error.constructor.name === "GPUOutOfMemoryError")
  }
  void device.lost.then(({ message }) => {
    failure ??= gpuError(message || "the GPU was lost", false)
  })
}

let watched: GpuDevice | undefined
let failure: Error | undefined

let trimmer: BufferTrimmer | undefined

/**
 * To be called when values have been read: frees what memory is of no more use.
 * @throws UserError when the GPU has told of a fault since it was started: what it computed is not to be trusted
 */
export function afterReading(): void {
  if (failure) throw failure
  trimmer?.turn()
}

function gpuError(message: string, memory: boolean): UserError {
  const [line] = message.split("\n")
  const cure = memory || /buffer size/i.test(message) ? ". Try a smaller --size or --batch, or another --engine" : ""
  return new UserError(`WebGPU: ${line}${cure}`)
}

/**
 * Where the package is that has Dawn in it: installed, or fetched by setup.
 * @throws UserError when it is not here
 */
export function webGpuPackage(): string {
  try {
    return require.resolve("webgpu")
  } catch {
    const fetched = findFetched("webgpu")
    if (fetched === undefined) throw new UserError(`WebGPU is not set up here. Run: ${callOf("setup --webgpu")}`)
    return require.resolve(fetched)
  }
}

async function installWebGpu(): Promise<Gpu> {
  const dawn = await (import(pathToFileURL(webGpuPackage()).href) as Promise<Dawn>).catch((error: Error) => {
    throw new UserError(`WebGPU does not load: ${error.message.split("\n")[0]}`)
  })
  Object.assign(globalThis, dawn.globals)
  const gpu = dawn.create([])
  // Node has a navigator of its own from version 21 on.
  const navigator = (globalThis as { navigator?: object }).navigator ?? {}
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true })
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true })
  return gpu
}

interface Dawn {
  readonly globals: object
  create(options: readonly string[]): Gpu
}

/** The little of WebGPU's interface that is used here. */
interface Gpu {
  requestAdapter(options: object): Promise<{ readonly info: AdapterInfo } | null>
}

interface GpuDevice {
  onuncapturederror: (event: { readonly error: { readonly message: string } }) => void
  readonly lost: Promise<{ readonly message: string }>
}

/** As WebGPU tells it; each may be empty. */
export interface AdapterInfo {
  readonly vendor: string
  readonly architecture: string
  readonly device: string
  readonly description: string
}
