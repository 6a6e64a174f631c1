import { UsageError } from "../core/errors.js"
import type { OnnxRuntime } from "../onnx/runtime.js"
import type { Device, WebDetector } from "./detector.js"
import { type DownloadHooks, type ModelSource, modelBytes } from "./model-bytes.js"
import { openDetector } from "./open-detector.js"
import { detectorWorker } from "./worker-detector.js"

/** Where a detector runs: in this thread, or in a worker so that the page stays alive. */
export type WebLoadOptions = DownloadHooks & {
  /** `webgpu` or `wasm`, or an error; undefined: the GPU where it can run the detector, else WebAssembly. */
  readonly device?: Device | undefined
} & (
    | {
        /** onnxruntime-web, as your page imports it: nothing is fetched but what its `env.wasm.wasmPaths` names. */
        readonly ort: OnnxRuntime
        readonly worker?: never
      }
    | {
        /** A worker whose script calls `serveDetector`. */
        readonly worker: Worker
        readonly ort?: never
      }
  )

/**
 * Loads a detector in a browser.
 * @param model a file that `resdet export` wrote: its address, a File or Blob, or its bytes
 * @throws DataError when it cannot be fetched or is no detector, UserError when the device or the worker cannot run it
 */
export async function loadDetector(model: ModelSource, options: WebLoadOptions): Promise<WebDetector> {
  const { ort, worker, device, onProgress, signal } = options
  if ((ort === undefined) === (worker === undefined)) {
    throw new UsageError("loadDetector: expected either ort (onnxruntime-web) or worker, one that calls serveDetector")
  }
  const inWorker = worker && detectorWorker(worker)
  const bytes = await modelBytes(model, { onProgress, signal })
  const opened = { file: nameOf(model), device }
  if (inWorker === undefined) return await openDetector(ort!, bytes, opened)
  // The caller's own bytes stay the caller's.
  const given = bytes === model || bytes.buffer === model
  return await inWorker.open(given ? bytes.slice() : bytes, opened)
}

function nameOf(model: ModelSource): string {
  if (typeof model === "string" || model instanceof URL) return String(model)
  return model instanceof File ? model.name : "the model"
}
