import { UsageError, UserError } from "../core/errors.js"
import { startEngine } from "../engine/start.js"
import { checkEngine } from "../setup/self-check.js"
import { setUpNative, whyUnsupported } from "../setup/setup.js"
import { parseOptions } from "./config.js"
import { type Listener, listenerOf, type TaskHooks } from "./hooks.js"
import { type SetUpOptions, setUpSchema } from "./options/set-up.js"

/** The engine that works now. */
export type SetUpResult =
  | {
      readonly engine: "tensorflow"
      readonly libtensorflow: string
      readonly device: "cpu" | "gpu"
      readonly folder: string
    }
  /** Native TensorFlow cannot be had here, for this reason. */
  | { readonly engine: "wasm"; readonly reason: string }

/**
 * Gets native TensorFlow, once a machine, and checks that it computes; on machines for which there is none WebAssembly is
 * checked, unless `strict` or `libtensorflow` ask for the native one.
 * @throws UserError when native TensorFlow could not be set up
 */
export async function setUp(options: SetUpOptions = {}, hooks: TaskHooks = {}): Promise<SetUpResult> {
  const { libtensorflow, gpu, cpu, cache, strict } = parseOptions("setUp", setUpSchema, options)
  const { log } = listenerOf(hooks)
  if (gpu && cpu) throw new UsageError("setup: expected --gpu or --cpu, got both. Leave one out")
  const device = gpu ? "gpu" : cpu ? "cpu" : undefined
  try {
    const entry = await setUpNative({
      ...(libtensorflow && { libtensorflow }),
      ...(device && { device }),
      ...(cache && { cache }),
      onProgress: log,
    })
    await startEngine("tensorflow", entry)
    await prove("native", log)
    const { folder, manifest } = entry
    return { engine: "tensorflow", libtensorflow: manifest.libtensorflow, device: manifest.device, folder }
  } catch (error) {
    if (!(error instanceof UserError) || strict || libtensorflow) throw error
    const reason = `no native TensorFlow: ${error.message}`
    await startEngine("wasm")
    await prove("WebAssembly", log)
    if (whyUnsupported() === undefined) {
      throw new UserError(`${reason}. Until then everything runs on WebAssembly, several times slower`)
    }
    log(reason)
    return { engine: "wasm", reason: error.message }
  }
}

async function prove(engine: string, log: Listener["log"]): Promise<void> {
  const checks = await checkEngine()
  for (const { name, passed } of checks) log(`${passed ? "ok   " : "WRONG"} ${name}`)
  if (checks.some(({ passed }) => !passed)) throw new UserError(`the ${engine} engine gives wrong values`)
}
