import { createHash } from "node:crypto"
import { createReadStream, existsSync } from "node:fs"
import { open, rename, rm, stat, statfs } from "node:fs/promises"
import { basename, dirname } from "node:path"
import { pipeline } from "node:stream/promises"
import { setTimeout } from "node:timers/promises"
import { UserError } from "../core/errors.js"
import { fetchFault } from "../core/fetch-bytes.js"
import { makeFolder } from "../core/write-whole.js"
import { withLock } from "./lock.js"

/** A file that somebody publishes, and what its bytes must hash to. */
export interface PublishedFile {
  readonly url: string
  /** `hex` may be its beginning, where no more of it is published. */
  readonly check: { readonly algorithm: "sha256" | "md5"; readonly hex: string }
}

export interface DownloadOptions {
  /** Forbids it: only what is there already is taken. */
  readonly offline?: boolean
  readonly signal?: AbortSignal
  /** Told what goes wrong and is tried again. */
  readonly onLog?: (line: string) => void
  /** Bytes; `total` is undefined where the server does not tell. */
  readonly onProgress?: (done: number, total: number | undefined) => void
  /** A connection that brings nothing for so many milliseconds is taken for broken. */
  readonly stalledAfter?: number
  /** Between two tries, in milliseconds. */
  readonly pause?: number
}

/** Tries one after the other that bring nothing. */
const fruitlessTries = 4

/**
 * Fetches a file into its place, unless it is there. A download that was broken off goes on where it stopped, in this call and in
 * a later one; only a file of the right hash is put into place. A second process waits for the first.
 * @throws UserError in one line: where the file can be had and where to put it
 */
export async function download(file: PublishedFile, to: string, options: DownloadOptions = {}): Promise<void> {
  if (existsSync(to)) return expectPublished(file, to)
  const byHand = `Put ${basename(to)} into ${dirname(to)}; it is published at ${file.url}`
  if (options.offline) throw new UserError(`--offline: ${basename(to)} is not here. ${byHand}`)
  const log = options.onLog ?? (() => {})
  try {
    makeFolder(dirname(to))
    const waiting = (holder: string) => log(`waiting for another download (${holder})`)
    await withLock(`${to}.lock`, waiting, async () => {
      if (existsSync(to)) return
      const partial = `${to}.partial`
      await fetchAll(file.url, partial, byHand, options)
      await expectPublished(file, partial).catch(async (error: Error) => {
        await rm(partial)
        throw error
      })
      await rename(partial, to)
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (["ENOSPC", "EDQUOT", "EFBIG"].includes(code ?? "")) {
      throw new UserError(`there is no space for ${basename(to)} in ${dirname(to)}: make some, and try again to go on`)
    }
    throw error
  }
}

async function fetchAll(url: string, partial: string, byHand: string, options: DownloadOptions): Promise<void> {
  const { onLog, pause = 2000, signal } = options
  for (let fruitless = 0; ; ) {
    const before = await sizeOf(partial)
    try {
      return await fetchRest(url, partial, before, options)
    } catch (error) {
      signal?.throwIfAborted()
      if (error instanceof UserError || (error as NodeJS.ErrnoException).syscall === "write") throw error
      const reason = fetchFault(error as Error)
      fruitless = (await sizeOf(partial)) > before ? 0 : fruitless + 1
      if (fruitless >= fruitlessTries) throw new UserError(`${url} cannot be fetched: ${reason}. ${byHand}`)
      onLog?.(`the download broke off (${reason}): trying to go on`)
      await setTimeout(pause, undefined, signal && { signal })
    }
  }
}

/** Fetches what a partial file lacks. @throws Error where the connection breaks, which may be tried again */
async function fetchRest(url: string, partial: string, have: number, options: DownloadOptions): Promise<void> {
  const { signal, stalledAfter = 60_000, onProgress } = options
  const stalled = new AbortController()
  const watch = globalThis.setTimeout(() => stalled.abort(new Error("nothing came any more")), stalledAfter)
  try {
    const response = await fetch(url, {
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
      signal: signal ? AbortSignal.any([signal, stalled.signal]) : stalled.signal,
    })
    if (response.status >= 500 || response.status === 429) throw new Error(`the server answered ${response.status}`)
    // What is there is all there is, or more than there should be: the hash tells.
    if (response.status === 416) return
    if (!response.ok || !response.body) throw new UserError(`${url}: the server answered ${response.status}`)
    const goesOn = response.status === 206
    const length = response.headers.get("content-length")
    const start = goesOn ? have : 0
    const total = length === null || response.headers.has("content-encoding") ? undefined : start + Number(length)
    if (total !== undefined) await expectSpace(partial, total - start)
    const file = await open(partial, goesOn ? "a" : "w")
    try {
      let done = start
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        await file.writeFile(chunk)
        done += chunk.length
        watch.refresh()
        onProgress?.(done, total)
      }
      if (total !== undefined && done < total) throw new Error(`it ended after ${done} of ${total} bytes`)
    } finally {
      await file.close()
    }
  } finally {
    clearTimeout(watch)
  }
}

async function expectSpace(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path))
  if (bavail * bsize >= bytes) return
  const megabytes = (count: number) => `${Math.ceil(count / 1e6)} MB`
  throw new UserError(`${dirname(path)} has ${megabytes(bavail * bsize)} free, expected ${megabytes(bytes)}`)
}

/** @throws UserError where a file is another than the published one */
async function expectPublished({ url, check }: PublishedFile, path: string): Promise<void> {
  const hash = createHash(check.algorithm)
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  const got = hash.digest("hex").slice(0, check.hex.length)
  if (got === check.hex) return
  const name = check.algorithm === "md5" ? "MD5" : "SHA-256"
  throw new UserError(`${path} is not the file of ${url}: its ${name} begins ${got}, expected ${check.hex}. Remove it`)
}

const sizeOf = async (path: string) => (existsSync(path) ? (await stat(path)).size : 0)
