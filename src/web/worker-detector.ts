import type { WebDetections, WebDetector } from "./detector.js"
import { isA, openDrawable, type PictureSource } from "./drawable.js"
import type { OpenOptions } from "./open-detector.js"
import {
  type DetectorDescription,
  receivedError,
  type WorkerAnswer,
  type WorkerCall,
  type WorkerOutcome,
  type WorkerResult,
} from "./worker-messages.js"

/** A worker that calls `serveDetector`; from now on it is known when its script fails. */
export interface DetectorWorker {
  /**
   * Loads a detector in it.
   * @param bytes are handed over to the worker
   * @throws as `openDetector`, or UserError when the worker's script cannot run
   */
  open(bytes: Uint8Array<ArrayBuffer>, options: OpenOptions): Promise<WebDetector>
}

export function detectorWorker(worker: Worker): DetectorWorker {
  const ask = callsTo(worker)
  return { open: (bytes, options) => opened(ask, bytes, options) }
}

async function opened(ask: Ask, bytes: Uint8Array<ArrayBuffer>, options: OpenOptions): Promise<WebDetector> {
  const description = (await ask({ call: "open", bytes, ...options }, [bytes.buffer])) as DetectorDescription
  return {
    ...description,
    async detect(source, options = {}) {
      const asked = performance.now()
      const { sent, own } = await sendable(source)
      const transfer = own ? [sent as ImageBitmap | VideoFrame] : []
      const found = (await ask({ call: "detect", source: sent, options, own }, transfer)) as WebDetections
      return { ...found, milliseconds: { ...found.milliseconds, total: performance.now() - asked } }
    },
    dispose: () => void ask({ call: "dispose" }, []),
  }
}

type Call = WorkerCall extends infer Each ? (Each extends WorkerCall ? Omit<Each, "id"> : never) : never

type Ask = (call: Call, transfer: Transferable[]) => Promise<WorkerResult>

/** Asks a worker and waits for the answer of the same number. */
function callsTo(worker: Worker): Ask {
  const waiting = new Map<number, (answer: WorkerOutcome) => void>()
  let calls = 0
  let failure: WorkerOutcome | undefined
  worker.addEventListener("message", ({ data }: MessageEvent<WorkerAnswer>) => {
    waiting.get(data.id)?.(data)
    waiting.delete(data.id)
  })
  worker.addEventListener("error", ({ message }) => {
    const why = message ?? "its script cannot be loaded"
    failure = { error: { name: "UserError", message: `the detector's worker does not run: ${why}` } }
    for (const settle of waiting.values()) settle(failure)
    waiting.clear()
  })
  return (call, transfer) =>
    new Promise((resolve, reject) => {
      const settle = (outcome: WorkerOutcome) =>
        "error" in outcome ? reject(receivedError(outcome.error)) : resolve(outcome.result)
      if (failure !== undefined) return settle(failure)
      const id = calls++
      waiting.set(id, settle)
      worker.postMessage({ id, ...call }, transfer)
    })
}

/** A source in a form that a worker can be sent: files as they are, what is on the page as a copy of its pixels. */
async function sendable(source: PictureSource): Promise<{ sent: PictureSource; own: boolean }> {
  if (typeof source === "string" || source instanceof URL) {
    return { sent: new URL(source, globalThis.location.href).href, own: false }
  }
  if (isA("VideoFrame", source)) return { sent: source.clone(), own: true }
  const isFile = source instanceof Blob || source instanceof ArrayBuffer || ArrayBuffer.isView(source)
  if (isFile || source instanceof ImageData) return { sent: source, own: false }
  const { picture, close } = await openDrawable(source)
  try {
    return { sent: await createImageBitmap(picture), own: true }
  } finally {
    close()
  }
}
