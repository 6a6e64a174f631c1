import { resolve } from "node:path"
import { UsageError, UserError } from "../core/errors.js"
import { cacheFolder } from "../core/own-package.js"
import { isOnnxRuntimeInstalled, loadOnnxRuntime } from "../engine/onnx-runtime.js"
import { startEngine } from "../engine/start.js"
import { fetchPackages } from "../setup/fetch-package.js"
import { checkEngine } from "../setup/self-check.js"
import { setUpNative, whyUnsupported } from "../setup/setup.js"
import { parseOptions } from "./config.js"
import { type Listener, listenerOf, type TaskHooks } from "./hooks.js"
import { type SetUpOptions, setUpSchema } from "./options/set-up.js"

/** The engine that works now, and what detection runs on besides. */
export type SetUpResult = { readonly onnxruntime: string | null } & (
  | {
      readonly engine: "tensorflow"
      readonly libtensorflow: string
      readonly device: "cpu" | "gpu"
      readonly folder: string
    }
  /** Native TensorFlow cannot be had here, for this reason. */
  | { readonly engine: "wasm"; readonly reason: string }
)

/**
 * Gets ONNX Runtime and native TensorFlow, once a machine, and checks that they compute; on machines for which there is no
 * native TensorFlow, WebAssembly is checked, unless `strict` or `libtensorflow` ask for the native one. `webgpu` fetches Dawn, `web` what pages of `exportModel` need.
 * @throws UserError when native TensorFlow could not be set up
 */
export async function setUp(options: SetUpOptions = {}, hooks: TaskHooks = {}): Promise<SetUpResult> {
  const { libtensorflow, gpu, cpu, webgpu, web, cache, strict, offline } = parseOptions("setUp", setUpSchema, options)
  const { log, progress } = listenerOf(hooks)
  if (offline)
    throw new UsageError("setup fetches what is missing, which --offline forbids; resdet doctor says what is there")
  if (gpu && cpu) throw new UsageError("setup: expected --gpu or --cpu, got both. Leave one out")
  const device = gpu ? "gpu" : cpu ? "cpu" : undefined
  const root = cache === undefined ? cacheFolder() : resolve(cache)
  if (webgpu ?? whyUnsupported() !== undefined) await fetchPackages("webgpu", root, log)
  if (web) await fetchPackages("onnxruntimeWeb", root, log)
  const onnxruntime = await setUpOnnxRuntime(root, log)
  try {
    const entry = await setUpNative({
      ...(libtensorflow && { libtensorflow }),
      ...(device && { device }),
      ...(cache && { cache }),
      onLog: log,
      onProgress: (job, done, total, unit) => progress({ job, done, total, unit }),
    })
    await startEngine("tensorflow", entry)
    await prove("native", log)
    const { folder, manifest } = entry
    const { libtensorflow: version, device: made } = manifest
    return { engine: "tensorflow", libtensorflow: version, device: made, folder, onnxruntime }
  } catch (error) {
    if (!(error instanceof UserError) || strict || libtensorflow) throw error
    const reason = `no native TensorFlow: ${error.message}`
    await startEngine("wasm")
    await prove("WebAssembly", log)
    if (whyUnsupported() === undefined) {
      throw new UserError(`${reason}. Until then everything runs on WebAssembly, several times slower`)
    }
    log(reason)
    return { engine: "wasm", reason: error.message, onnxruntime }
  }
}

/** Detection works without it, slower: what is in the way is told, and no reason to stop. */
async function setUpOnnxRuntime(cache: string, log: Listener["log"]): Promise<string | null> {
  try {
    if (!isOnnxRuntimeInstalled()) await fetchPackages("onnxruntime", cache, log)
    const { env } = await loadOnnxRuntime(cache)
    return env.versions.node ?? null
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    log(`no ONNX Runtime, detection is slower: ${error.message}`)
    return null
  }
}

async function prove(engine: string, log: Listener["log"]): Promise<void> {
  const checks = await checkEngine()
  for (const { name, passed } of checks) log(`${passed ? "ok   " : "WRONG"} ${name}`)
  if (checks.some(({ passed }) => !passed)) throw new UserError(`the ${engine} engine gives wrong values`)
}
