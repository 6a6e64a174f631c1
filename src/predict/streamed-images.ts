import { on } from "node:events"
import { dirname, posix, resolve } from "node:path"
import { createInterface } from "node:readline"
import { Readable } from "node:stream"
import { Parser, type ReadEntry } from "tar"
import { DataError } from "../core/errors.js"
import { pathWithin } from "./path-within.js"
import { isImageName, type SourceImage } from "./source-image.js"
import { StemNamer } from "./unique-stems.js"

/**
 * The images that a stream tells of: a tar archive (gzipped or not) that holds them, or the path of one on each line. One image is
 * held at a time.
 * @param folder that relative paths start from
 * @param name of the stream, for messages
 * @throws DataError for an archive that is broken
 */
export async function* streamedImages(input: Readable, folder: string, name: string): AsyncGenerator<SourceImage> {
  const { start, stream } = await peek(input)
  const stems = new StemNamer()
  if (isArchive(start)) {
    for await (const { path, bytes } of members(stream, name)) yield { file: "", bytes, path, stem: stems.next(path) }
    return
  }
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    const listed = line.trim()
    if (listed === "" || listed.startsWith("#")) continue
    const file = resolve(folder, listed)
    const path = pathWithin(folder, file)
    yield { file, path, stem: stems.next(path) }
  }
}

/** A tar file's header has its mark here. @source POSIX.1, pax: ustar interchange format */
const mark = { at: 257, text: "ustar" }

const isArchive = (start: Buffer) =>
  start.toString("latin1", mark.at, mark.at + mark.text.length) === mark.text ||
  (start[0] === 0x1f && start[1] === 0x8b)

/** The first bytes of a stream, and a stream that begins with them all the same. */
async function peek(input: Readable): Promise<{ start: Buffer; stream: Readable }> {
  const chunks: Buffer[] = []
  const iterator = input[Symbol.asyncIterator]()
  let size = 0
  while (size < mark.at + mark.text.length) {
    const { value, done } = await iterator.next()
    if (done) break
    chunks.push(Buffer.from(value))
    size += chunks.at(-1)!.length
  }
  const rest = async function* () {
    yield* chunks.splice(0)
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  }
  return { start: Buffer.concat(chunks), stream: Readable.from(rest(), { objectMode: false }) }
}

async function* members(input: Readable, name: string): AsyncGenerator<{ path: string; bytes: Uint8Array }> {
  const parser = new Parser({ strict: true })
  const broken = (error: Error) => new DataError(`${name}: the archive is broken: ${error.message.split("\n")[0]}`)
  input.pipe(parser as unknown as NodeJS.WritableStream)
  input.on("error", (error) => parser.emit("error", error))
  try {
    for await (const [entry] of on(parser as unknown as NodeJS.EventEmitter, "entry", { close: ["end"] })) {
      const { path, type } = entry as ReadEntry
      const isWanted = /File$/.test(type) && isImageName(path)
      // A member is read, or passed over, before the next one comes.
      if (isWanted) yield { path: inside(path), bytes: await (entry as ReadEntry).concat() }
      else (entry as ReadEntry).resume()
    }
  } catch (error) {
    if (error instanceof DataError || !(error instanceof Error)) throw error
    throw broken(error)
  } finally {
    input.destroy()
  }
}

/** A member's path, which may lead nowhere out of the folder for output. */
function inside(path: string): string {
  const parts = posix.normalize(path.replaceAll("\\", "/")).split("/")
  return parts.filter((part) => part !== ".." && part !== "." && part !== "").join("/") || dirname(path)
}
