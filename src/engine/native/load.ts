import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { addonPath, findNative, libraryFolder, loaderPath, type NativeEntry } from "./cache.js"

/**
 * Loads native TensorFlow: the one setup put into the cache, else the addon a plain install of tfjs-node left beside it.
 * Needs no link in `node_modules`, so every clone on a machine starts from one cache.
 * @throws Error when there is none, or it cannot be loaded
 */
export function loadNative(entry: NativeEntry | undefined = findNative()): void {
  prepareProcess()
  const require = createRequire(import.meta.url)
  const tfjsNode = require.resolve("@tensorflow/tfjs-node-gpu")
  if (!entry) {
    require(tfjsNode)
    return
  }
  loadLibraries(entry, require)
  // tfjs-node asks this module where its addon lies; nobody else in this process does.
  const finder = createRequire(tfjsNode)("@mapbox/node-pre-gyp/lib/pre-binding.js") as { find: () => string }
  const { find } = finder
  finder.find = () => join(entry.folder, addonPath)
  try {
    require(tfjsNode)
  } finally {
    finder.find = find
  }
}

function prepareProcess(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"
  // Without it TensorFlow adds some gradients (CropAndResizeGradImage) in the order its threads come by.
  process.env.TF_DETERMINISTIC_OPS ??= "1"
  const util = createRequire(import.meta.url)("node:util") as { isNullOrUndefined?: (value: unknown) => boolean }
  // tfjs-node 4.22 calls it; Node 22 warns about it and Node 23 removed it.
  util.isNullOrUndefined = (value) => value === null || value === undefined
}

/** Loads TensorFlow's library by its path; the loader keeps two harmless log lines back. */
function loadLibraries(entry: NativeEntry, require: NodeJS.Require): void {
  process.env.RESDET_PRELOAD = join(entry.folder, libraryFolder, "libtensorflow_cc.so.2")
  try {
    require(join(entry.folder, loaderPath))
  } finally {
    delete process.env.RESDET_PRELOAD
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
