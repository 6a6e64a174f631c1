import { DataError, UsageError } from "../core/errors.js"

/** Where a model is: its address, a file that was dropped or chosen, or its bytes. */
export type ModelSource = string | URL | Blob | ArrayBuffer | Uint8Array<ArrayBuffer>

/** How much of a download is there. */
export interface DownloadProgress {
  readonly loaded: number
  /** Bytes in all; undefined where the server does not tell, or sends them compressed. */
  readonly total: number | undefined
}

export interface DownloadHooks {
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The bytes of a model's file.
 * @throws DataError one line, when it cannot be fetched; the signal's reason when it was aborted
 */
export async function modelBytes(source: ModelSource, hooks: DownloadHooks): Promise<Uint8Array<ArrayBuffer>> {
  if (typeof source === "string" || source instanceof URL) return await downloaded(String(source), hooks)
  if (source instanceof Blob) return new Uint8Array(await source.arrayBuffer())
  if (source instanceof Uint8Array) return source
  if (source instanceof ArrayBuffer) return new Uint8Array(source)
  throw new UsageError("loadDetector: expected the model as a URL, a File, a Blob or bytes")
}

/** @throws DataError, see `modelBytes` */
async function downloaded(url: string, { onProgress, signal }: DownloadHooks): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetched(url, signal)
  const encoded = response.headers.get("content-encoding") !== null
  const length = Number(response.headers.get("content-length"))
  const total = encoded || !(length > 0) ? undefined : length
  let loaded = 0
  const counted = response.body!.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        loaded += chunk.byteLength
        onProgress?.({ loaded, total })
        controller.enqueue(chunk)
      },
    }),
  )
  return new Uint8Array(await new Response(counted).arrayBuffer())
}

/**
 * What an address answers.
 * @throws DataError one line, when nothing does, or an error
 */
export async function fetched(url: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(url, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    if (signal?.aborted) throw signal.reason
    throw new DataError(
      `${url}: cannot be fetched (${(error as Error).message}). A file of another site needs its header Access-Control-Allow-Origin`,
    )
  })
  if (!response.ok) throw new DataError(`${url}: cannot be fetched (status ${response.status})`)
  return response
}
