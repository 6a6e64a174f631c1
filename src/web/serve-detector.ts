import { UsageError } from "../core/errors.js"
import type { OnnxRuntime } from "../onnx/runtime.js"
import type { WebDetector } from "./detector.js"
import { openDetector } from "./open-detector.js"
import type { WorkerAnswer, WorkerCall, WorkerResult } from "./worker-messages.js"

/**
 * Makes a worker serve a detector: the page gives the worker to `loadDetector`. Call it in the worker's script, before
 * anything that is awaited.
 * @param runtime onnxruntime-web, or a promise of it
 */
export function serveDetector(runtime: OnnxRuntime | Promise<OnnxRuntime>): void {
  const scope = globalThis as unknown as WorkerScope
  let detector: WebDetector | undefined
  const answer = async (asked: WorkerCall): Promise<WorkerResult> => {
    if (asked.call === "open") {
      if (detector !== undefined) throw new UsageError("loadDetector: this worker has a detector. Dispose of it first")
      detector = await openDetector(await runtime, asked.bytes, asked)
      const { detect: _, dispose: __, ...description } = detector
      return description
    }
    if (asked.call === "detect") {
      const { source, options, own } = asked
      try {
        return await detector!.detect(source, options)
      } finally {
        if (own) (source as ImageBitmap | VideoFrame).close()
      }
    }
    detector?.dispose()
    detector = undefined
    return undefined
  }
  scope.addEventListener("message", ({ data }) => {
    answer(data).then(
      (result) => scope.postMessage({ id: data.id, result }),
      (error: Error) => scope.postMessage({ id: data.id, error: { name: error.name, message: error.message } }),
    )
  })
}

/** What is used of a worker's global scope, whose types do not go with a page's. */
interface WorkerScope {
  addEventListener(type: "message", listener: (event: { readonly data: WorkerCall }) => void): void
  postMessage(answer: WorkerAnswer): void
}
