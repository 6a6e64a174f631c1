import { createRequire } from "node:module"
import { UserError } from "../core/errors.js"

export type OnnxRuntime = typeof import("onnxruntime-node")

/** The version of onnxruntime-node that is installed, or undefined; nothing is loaded. */
export function onnxRuntimeVersion(): string | undefined {
  try {
    const require = createRequire(import.meta.url)
    return (require("onnxruntime-node/package.json") as { version: string }).version
  } catch {
    return undefined
  }
}

/**
 * Loads ONNX Runtime, an optional dependency, the first time it is asked for.
 * @throws UserError when it is not installed, or has no library for this machine
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  try {
    return await import("onnxruntime-node")
  } catch (error) {
    if (onnxRuntimeVersion() === undefined) {
      throw new UserError("ONNX Runtime is not installed here. Run: npm install onnxruntime-node")
    }
    throw new UserError(`ONNX Runtime does not load: ${(error as Error).message.split("\n")[0]}`)
  }
}
