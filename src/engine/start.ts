import { createRequire } from "node:module"
import * as tf from "@tensorflow/tfjs-core"
import { UserError } from "../core/errors.js"
import type { EngineChoice, EngineName } from "./names.js"
import { findNative, type NativeEntry } from "./native/cache.js"
import { loadNative } from "./native/load.js"
import { registerWasmKernels } from "./wasm/kernels.js"
import { loadWebGpu, watchGpu } from "./webgpu/device.js"
import { registerWebGpuKernels } from "./webgpu/kernels.js"

const require = createRequire(import.meta.url)

/**
 * Makes one compute engine the one that runs all tensors. `auto` takes native TensorFlow when it is set up, else
 * WebAssembly; a GPU behind WebGPU is used where it is asked for.
 * @param native where native TensorFlow lies, if not in the user's cache
 * @throws UserError when the engine that was asked for cannot run here
 */
export async function startEngine(
  choice: EngineChoice = "auto",
  native: NativeEntry | undefined = findNative(),
): Promise<EngineName> {
  if (choice === "webgpu") {
    await loadWebGpu()
    registerGradients()
    registerWebGpuKernels()
    await use("webgpu")
    watchGpu()
    return "webgpu"
  }
  if (choice !== "wasm") {
    try {
      loadNative(native)
      await use("tensorflow")
      return "tensorflow"
    } catch (error) {
      if (choice === "tensorflow") throw new UserError(whyNot(error as Error, native !== undefined))
    }
  }
  await import("@tensorflow/tfjs-backend-wasm")
  registerGradients()
  registerWasmKernels()
  await use("wasm")
  return "wasm"
}

/** The core alone knows no gradients; the union package, which the native one depends on, registers them all. */
function registerGradients(): void {
  createRequire(require.resolve("@tensorflow/tfjs-node-gpu/package.json"))("@tensorflow/tfjs")
}

async function use(backend: EngineName): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`the ${backend} backend did not start`)
  await tf.ready()
}

function whyNot(error: Error, setUp: boolean): string {
  if (!setUp) return "native TensorFlow is not set up here. Run: npm run setup"
  return `native TensorFlow does not load: ${error.message.split("\n")[0]}. Run: npm run setup`
}
