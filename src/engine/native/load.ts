import { readdirSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { addonPath, findNative, libraryFolder, loaderPath, type NativeEntry, tfjsNodePath } from "./cache.js"

/**
 * Makes native TensorFlow known as the backend `tensorflow`: the one setup put into the cache, else the one that a plain
 * install of tfjs-node has beside it. Needs no link in `node_modules`, so every project on a machine starts from one cache.
 * @throws Error when there is none, or it cannot be loaded
 */
export function loadNative(entry: NativeEntry | undefined = findNative()): void {
  if (tf.findBackendFactory("tensorflow")) return
  prepareProcess(entry)
  const require = createRequire(import.meta.url)
  if (!entry) {
    require("@tensorflow/tfjs-node-gpu")
    return
  }
  loadLibraries(entry, require)
  const addon: unknown = require(join(entry.folder, addonPath))
  // What tfjs-node's own entry point does, without the half of TensorFlow.js that it would load besides.
  lend(require("@tensorflow/tfjs-core"))
  const code = join(entry.folder, tfjsNodePath, "dist")
  require(join(code, "register_all_kernels.js"))
  const { NodeJSKernelBackend } = require(join(code, "nodejs_kernel_backend.js")) as TfjsNode
  tf.registerBackend("tensorflow", () => new NodeJSKernelBackend(addon, "@tensorflow/tfjs-node-gpu"))
}

interface TfjsNode {
  readonly NodeJSKernelBackend: new (addon: unknown, packageName: string) => tf.KernelBackend
}

/** Packages that tfjs-node asks for: in a cache that many projects share they stand for the TensorFlow.js of this one. */
export const lentPackages = ["@tensorflow/tfjs", "@tensorflow/tfjs-core"] as const
/** The code of such a package. */
export const lentCode = 'module.exports = globalThis[Symbol.for("resdet.tensorflow.js")]\n'

function lend(core: unknown): void {
  Object.defineProperty(globalThis, Symbol.for("resdet.tensorflow.js"), { value: core, configurable: true })
}

/** What TensorFlow finds in the environment of the process. */
function setEnvironment(entry: NativeEntry | undefined): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"
  // Without it TensorFlow adds some gradients (CropAndResizeGradImage) in the order its threads come by.
  process.env.TF_DETERMINISTIC_OPS ??= "1"
  // Without it TensorFlow takes all of a GPU's memory at once, also from others on that GPU.
  process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true"
  // One GPU a process: with several, tfjs-node sends tensors to the last one, and operations run on the first.
  process.env.CUDA_DEVICE_ORDER ??= "PCI_BUS_ID"
  process.env.CUDA_VISIBLE_DEVICES ??= "0"
  // What the driver compiles for a new GPU is larger than what it keeps by default; bytes, the most there may be.
  process.env.CUDA_CACHE_MAXSIZE ??= "4294967296"
  // Without it TensorFlow takes oneDNN's kernels on processors with AVX-512 VNNI alone. Our addon keeps signals from them.
  if (entry !== undefined && process.arch === "x64") process.env.TF_ENABLE_ONEDNN_OPTS ??= "1"
}

/** In it TensorFlow finds how many threads compute; all cores have one where it is not set. */
const threadsVariable = "TF_NUM_INTRAOP_THREADS"

/** How many threads compute with native TensorFlow. */
export const computeThreads = (): number => Number(process.env[threadsVariable]) || availableParallelism()

/** Whether whoever started this process has decided how many threads compute. */
export const areThreadsGiven = (): boolean => Boolean(process.env[threadsVariable])

/** The environment of a process in which so many threads compute. */
export const threadsEnvironment = (count: number): NodeJS.ProcessEnv => ({ [threadsVariable]: String(count) })

/** Has so many threads compute. @returns false where TensorFlow runs already, with another number: it asks once */
export function setThreads(count: number): boolean {
  if (tf.findBackendFactory("tensorflow") && computeThreads() !== count) return false
  Object.assign(process.env, threadsEnvironment(count))
  return true
}

/** What the main thread has to do so that another can load it: native code does not see a thread's own environment. */
export function prepareThreads(): void {
  const entry = findNative()
  setEnvironment(entry)
  if (entry !== undefined) process.env[preload] = libraryOf(entry)
}

function prepareProcess(entry: NativeEntry | undefined): void {
  setEnvironment(entry)
  type Removed = "isNullOrUndefined" | "isArray"
  const util = createRequire(import.meta.url)("node:util") as Partial<Record<Removed, (value: unknown) => boolean>>
  // tfjs-node 4.22 calls them; Node 22 warns about them and Node 23 removed them.
  util.isNullOrUndefined = (value) => value === null || value === undefined
  util.isArray = Array.isArray
}

/** Names the library to the loader. */
const preload = "RESDET_PRELOAD"

const libraryOf = ({ folder }: NativeEntry): string => join(folder, libraryFolder, "libtensorflow_cc.so.2")

/** Loads TensorFlow's library by its path; the loader keeps two harmless log lines back. */
function loadLibraries(entry: NativeEntry, require: NodeJS.Require): void {
  process.env[preload] = libraryOf(entry)
  try {
    require(join(entry.folder, loaderPath))
  } finally {
    delete process.env[preload]
  }
}

/** Whether this machine has an NVIDIA GPU whose driver is loaded. */
export function gpuDriver(): string | undefined {
  try {
    return readFileSync("/proc/driver/nvidia/version", "utf8")
      .split("\n")[0]
      ?.replace(/^NVRM version:\s*/, "")
  } catch {
    return undefined
  }
}

/** How many NVIDIA GPUs this machine's driver has. */
export function gpuCount(): number {
  try {
    return readdirSync("/proc/driver/nvidia/gpus").length
  } catch {
    return 0
  }
}
