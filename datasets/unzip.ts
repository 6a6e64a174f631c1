import { createHash, randomUUID } from "node:crypto"
import { createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { pipeline } from "node:stream/promises"
import yauzl from "yauzl"
import { DataError } from "../src/core/errors.js"
import { cacheFolder } from "../src/core/own-package.js"
import { WriteError } from "../src/core/write-whole.js"
import { isFile, isFolder } from "./folder.js"

/** Images hardly shrink, texts to a twentieth: what grows more than this is no data set. @source ours */
const mostGrowth = 200
const alwaysAllowed = 1 << 30

/** Whether a source is a zip archive, by its name. */
export function isZip(source: string): boolean {
  return /\.zip$/i.test(source) && isFile(source)
}

/**
 * Unpacks an archive into the cache, once for each state of the file.
 * @returns the folder with its content: the archive's only folder, if it has just one
 * @throws DataError for a file that is no zip archive, or one whose content would be out of proportion
 */
export async function unzipped(source: string, cache: string = join(cacheFolder(), "data")): Promise<string> {
  const { size, mtimeMs } = statSync(source)
  const key = createHash("sha1")
    .update(`${resolve(source)} ${size} ${mtimeMs}`)
    .digest("hex")
    .slice(0, 16)
  const folder = join(cache, `${basename(source).replace(/\.zip$/i, "")}-${key}`)
  if (!isFolder(folder)) {
    const beside = `${folder}.${randomUUID().slice(0, 8)}.part`
    try {
      await unpack(source, size, beside)
      renameSync(beside, folder)
    } catch (error) {
      // Another process has unpacked it meanwhile.
      if (!isFolder(folder)) throw whyNot(error, source, folder)
    } finally {
      rmSync(beside, { recursive: true, force: true })
    }
  }
  const inside = readdirSync(folder)
  return inside.length === 1 && isFolder(join(folder, inside[0]!)) ? join(folder, inside[0]!) : folder
}

/** A full disk is no fault of the archive's. */
function whyNot(error: unknown, source: string, folder: string): Error {
  const { code = "", message } = error as NodeJS.ErrnoException
  if (["ENOSPC", "EDQUOT", "EROFS", "EIO"].includes(code)) return new WriteError(folder, error)
  return error instanceof DataError ? error : new DataError(`${source}: ${message}`)
}

/** Names that lead out of the folder are refused by the library, links are not made. */
async function unpack(source: string, size: number, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const archive = await yauzl.openPromise(source)
  let total = 0
  for await (const entry of archive.eachEntry()) {
    const name = entry.fileName
    if (name.endsWith("/") || /(^|\/)(__MACOSX\/|\._)/.test(name)) continue
    total += entry.uncompressedSize
    if (total > Math.max(alwaysAllowed, mostGrowth * size)) {
      throw new DataError(
        `${source}: its content is more than ${mostGrowth} times its size: unpack it yourself if that is right`,
      )
    }
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    if (existsSync(path)) throw new DataError(`${source}: "${name}" is in it twice`)
    await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(path))
  }
}
