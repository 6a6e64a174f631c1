import { createRequire } from "node:module"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { UserError } from "../core/errors.js"
import { callOf, packageFolder } from "../core/own-package.js"
import type { EngineChoice, EngineName } from "./names.js"
import { findNative, type NativeEntry } from "./native/cache.js"
import { loadNative } from "./native/load.js"
import { registerWasmKernels } from "./wasm/kernels.js"
import { loadWebGpu, watchGpu } from "./webgpu/device.js"
import { registerWebGpuKernels } from "./webgpu/kernels.js"

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
      registerGradients()
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

/** Where the build puts TensorFlow.js's gradients: its core comes without them, in a form that Node cannot load. */
export const gradientsPath = "dist/src/engine/tfjs-gradients.cjs"

function registerGradients(): void {
  createRequire(import.meta.url)(join(packageFolder(), gradientsPath))
}

async function use(backend: EngineName): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`the ${backend} backend did not start`)
  await tf.ready()
}

function whyNot(error: Error, setUp: boolean): string {
  if (!setUp) return `native TensorFlow is not set up here. Run: ${callOf("setup")}`
  return `native TensorFlow does not load: ${error.message.split("\n")[0]}. Run: ${callOf("setup")}`
}
