import type { OnnxRuntime } from "../../onnx/runtime.js"
import { serveDetector } from "../serve-detector.js"

serveDetector(runtime())

/** The build that knows the GPU only where there is one: it is twice the download. */
async function runtime(): Promise<OnnxRuntime> {
  const { gpu } = navigator as { gpu?: { requestAdapter(): Promise<object | null> } }
  const adapter = await gpu?.requestAdapter().catch(() => null)
  const build = adapter ? "./ort.webgpu.min.mjs" : "./ort.wasm.min.mjs"
  return (await import(build)) as OnnxRuntime
}
