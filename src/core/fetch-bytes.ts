import { DataError } from "./errors.js"

export interface FetchLimits {
  /** More is not read. */
  readonly bytes: number
  /** Milliseconds for all of it. */
  readonly time: number
  readonly signal?: AbortSignal | undefined
}

const limits: FetchLimits = { bytes: 64e6, time: 30_000 }

/** Whether a text is the address of something on a web server. */
export const isUrl = (text: string): boolean => /^https?:\/\/./i.test(text)

/** Whether a text is an address of any kind, such as `rtsp://camera`, and no path. */
export const isAddress = (text: string): boolean => /^[a-z][a-z0-9+.-]+:\/\/./i.test(text)

/**
 * The bytes behind an address; what they are is for the reader to see. Only somebody who gave the address asks for this.
 * @throws DataError in one line: where they cannot be had, are too many, or take too long; the signal's reason when it is aborted
 */
export async function fetchBytes(url: string, overrides: Partial<FetchLimits> = {}): Promise<Uint8Array> {
  const { bytes, time, signal } = { ...limits, ...overrides }
  const late = AbortSignal.timeout(time)
  const tooMany = () => new DataError(`${url}: it has more than ${bytes / 1e6} MB, which is not read`)
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, late]) : late })
    if (!response.ok) {
      await response.body?.cancel()
      throw new DataError(`${url}: the server answered ${response.status}`)
    }
    const chunks: Uint8Array[] = []
    let size = 0
    // Leaving the loop closes the connection.
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > bytes) throw tooMany()
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof DataError) throw error
    if (late.aborted) throw new DataError(`${url}: it took longer than ${time / 1000} s`)
    throw new DataError(`${url} cannot be fetched: ${fetchFault(error as Error)}`)
  }
}

/** What Node's fetch hides behind "fetch failed" and "terminated". */
export function fetchFault(error: Error): string {
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "its name is not known here"
  if (code === "ECONNREFUSED") return "the server refuses connections"
  return (message || code || String(error)).split("\n")[0]!
}
