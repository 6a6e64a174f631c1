import type { Transferable } from "node:worker_threads"
import type { PhotoSource } from "../../datasets/open-sample.js"
import { copyBytes } from "../core/copy-bytes.js"
import type { UserError } from "../core/errors.js"
import { receiveError } from "../core/sent-error.js"
import type { OpenedInput } from "./image-input.js"
import type { ImageModel } from "./image-model.js"
import { ModelThread } from "./model-thread.js"
import type { ImageAnswers, ImageJob } from "./model-worker.js"

/** A thread decodes one image while it looks at another. */
const jobsEach = 2

/**
 * A network in threads of its own, a copy in each, so that the thread that asks never waits.
 * @param file of the worker, which calls `serveModel`
 * @param data for it; memory to be shared lies in a `SharedArrayBuffer`
 * @throws what opening the network throws
 */
export async function threadedModel<Info, Options, Result>(
  file: string,
  data: unknown,
  workers: number,
): Promise<{ readonly info: Info; readonly model: ImageModel<Options, Result> }> {
  type Thread = ModelThread<ImageJob<Options>, ImageAnswers<Result>>
  const start = (): Thread => new ModelThread(file, data)
  const threads = Array.from({ length: workers }, start)
  let isClosed = false
  const close = () => {
    isClosed = true
    for (const thread of threads) thread.close()
  }
  /** The one with the least to do; one that broke is replaced. */
  const next = (): Thread => {
    for (const [i, thread] of threads.entries()) {
      if (thread.isOver) {
        threads[i] = start()
        threads[i].opened.catch(() => undefined)
      }
    }
    return threads.reduce((best, one) => (one.busy < best.busy ? one : best))
  }
  try {
    const [info] = await Promise.all(threads.map(({ opened }) => opened))
    const model: ImageModel<Options, Result> = {
      jobs: jobsEach * workers,
      async run(images, options) {
        const sent = await Promise.all(images.map(sendable))
        // While memory was copied the handle may have been disposed of, which has answered the call.
        if (isClosed) throw new Error("run: expected a model that is open, got one that is disposed of")
        const transfer = sent.flatMap(({ buffer }) => buffer ?? [])
        const answers = await next().run({ images: sent.map(({ image }) => image), options }, transfer)
        return answers.map((one) => ("found" in one ? one.found : (receiveError(one.error) as UserError)))
      },
      dispose: close,
    }
    return { info: info as Info, model }
  } catch (error) {
    close()
    throw error
  }
}

interface Sendable {
  readonly image: OpenedInput
  readonly buffer?: Transferable
}

/** Memory of ours is handed over; of the caller's a copy is made, of the part that counts alone. Shared memory stays where it is. */
async function sendable({ source, isOurs }: OpenedInput): Promise<Sendable> {
  if (typeof source === "string") return { image: { source, isOurs } }
  const bytes = source instanceof Uint8Array ? source : source.data
  if (bytes.buffer instanceof SharedArrayBuffer) return { image: { source, isOurs } }
  const moved =
    isOurs && bytes.byteLength === bytes.buffer.byteLength
      ? bytes
      : await copyBytes(bytes, new Uint8Array(bytes.length))
  return { image: { source: withBytes(source, moved), isOurs: true }, buffer: moved.buffer as ArrayBuffer }
}

/** The same image with its bytes elsewhere. */
function withBytes(source: Exclude<PhotoSource, string>, bytes: Uint8Array | Uint8ClampedArray): PhotoSource {
  return source instanceof Uint8Array ? (bytes as Uint8Array) : { ...source, data: bytes }
}
