import { createRequire } from "node:module"
import * as tf from "@tensorflow/tfjs-core"
import { UserError } from "../tensor/errors.js"
import { registerWasmKernels } from "./wasm-kernels.js"

const require = createRequire(import.meta.url)

export type EngineName = "tensorflow" | "wasm"
export type EngineChoice = EngineName | "auto"

/**
 * Makes one compute engine the one that runs all tensors: native TensorFlow when it is set up, else WebAssembly.
 * @throws UserError when the engine that was asked for cannot run here
 */
export async function startEngine(choice: EngineChoice = "auto"): Promise<EngineName> {
  if (choice !== "wasm") {
    try {
      loadNative()
      await use("tensorflow")
      return "tensorflow"
    } catch (error) {
      if (choice === "tensorflow") throw new UserError(`native TensorFlow cannot run: ${(error as Error).message}`)
    }
  }
  await import("@tensorflow/tfjs-backend-wasm")
  // The core alone knows no gradients; the union package, which the native one depends on, registers them all.
  createRequire(require.resolve("@tensorflow/tfjs-node-gpu/package.json"))("@tensorflow/tfjs")
  registerWasmKernels()
  await use("wasm")
  return "wasm"
}

function loadNative(): void {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2"
  // Without it TensorFlow adds some gradients (CropAndResizeGradImage) in the order its threads come by.
  process.env.TF_DETERMINISTIC_OPS ??= "1"
  const util = require("node:util") as { isNullOrUndefined?: (value: unknown) => boolean }
  // tfjs-node 4.22 calls it; Node 23 removed it.
  util.isNullOrUndefined ??= (value) => value === null || value === undefined
  require("@tensorflow/tfjs-node-gpu")
}

async function use(backend: EngineName): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`the ${backend} backend did not start`)
  await tf.ready()
}
