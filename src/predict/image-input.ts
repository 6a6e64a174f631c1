import { fileURLToPath } from "node:url"
import { types } from "node:util"
import { expectPixels, type Pixels } from "../../datasets/image/pixels.js"
import type { PhotoSource } from "../../datasets/open-sample.js"
import { DataError, UsageError } from "../core/errors.js"
import { fetchBytes, isUrl } from "../core/fetch-bytes.js"
import { shown } from "../core/shown.js"

/**
 * An image as programs have it: the path of a file; an `http(s)` address, as text or `URL`, which is fetched (64 MB and 30 seconds
 * at most); the bytes of a file in a `Buffer`, `Uint8Array`, `ArrayBuffer` or `Blob`; or decoded pixels.
 */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | SharedArrayBuffer | Blob | Pixels

/** An image that can be opened without waiting for others. */
export interface OpenedInput {
  readonly source: PhotoSource
  /** Nobody else has its memory, which may be handed on. */
  readonly isOurs: boolean
}

/** Whether opening it may take long. */
export const isSlow = (input: ImageInput): boolean =>
  input instanceof Blob || (typeof input === "string" ? isUrl(input) : input instanceof URL)

/** What an image is called in messages, where it has a name. */
export function nameOfInput(input: unknown): string | undefined {
  if (typeof input === "string") return shown(input)
  if (input instanceof URL) return shown(input.href)
  const { name } = (input instanceof Blob ? input : {}) as { readonly name?: string }
  return name === undefined ? undefined : shown(name)
}

/**
 * Fetches what is to be fetched.
 * @throws DataError where that fails, UsageError for what is no image at all; the signal's reason when it is aborted
 */
export async function openInput(input: ImageInput, signal?: AbortSignal): Promise<OpenedInput> {
  if (typeof input === "string") {
    return isUrl(input) ? ours(await fetchBytes(input, { signal })) : { source: input, isOurs: false }
  }
  if (input instanceof URL) return openAddress(input, signal)
  if (input instanceof Uint8Array) return { source: input, isOurs: false }
  if (types.isAnyArrayBuffer(input)) return { source: new Uint8Array(input), isOurs: false }
  if (input instanceof Blob) return ours(new Uint8Array(await input.arrayBuffer()))
  if (typeof input === "object" && input !== null && "data" in input) return { source: checked(input), isOurs: false }
  throw new UsageError(`expected a path, a URL, bytes, a Blob or pixels, got ${shown(String(input))}`)
}

function checked(pixels: Pixels): Pixels {
  try {
    return expectPixels(pixels)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function openAddress(url: URL, signal?: AbortSignal): Promise<OpenedInput> {
  if (url.protocol === "file:") return { source: fileURLToPath(url), isOurs: false }
  if (isUrl(url.href)) return ours(await fetchBytes(url.href, { signal }))
  throw new DataError(`expected an address of http, https or file, got ${url.protocol}`)
}

const ours = (source: Uint8Array): OpenedInput => ({ source, isOurs: true })
