import { createReadStream, existsSync, readFileSync, statSync } from "node:fs"
import { basename, dirname, extname, resolve, sep } from "node:path"
import type { Readable } from "node:stream"
import { glob, isDynamicPattern } from "tinyglobby"
import { imageEndings } from "../../datasets/folder.js"
import { DataError, UsageError } from "../core/errors.js"
import { fetchBytes, isAddress, isUrl } from "../core/fetch-bytes.js"
import { safeNames } from "../core/safe-names.js"
import { pathWithin } from "./path-within.js"
import { isImageName, type SourceImage } from "./source-image.js"
import { streamedImages } from "./streamed-images.js"
import { uniqueStems } from "./unique-stems.js"
import { isCamera, openVideo, videoInput } from "./video-frames.js"
import { countImages, walkImages } from "./walk-images.js"

/** The images a user points at. Iterating reads the folder anew; no image is opened. */
export interface ImageSource extends AsyncIterable<SourceImage> {
  /** As the user wrote it. */
  readonly source: string
  /** How many of the images are wanted, where that is known without going through them all. */
  count(isWanted: (file: string) => boolean): number | undefined
  /** Frames a second, where the images are those of a video. */
  readonly rate?: string
}

interface SourceOptions {
  /** What `-` means; without it there is no `-`. */
  readonly standardInput?: Readable
  /** How many frames of a video's second are wanted; all when left out. */
  readonly fps?: number | undefined
}

/** So many names are counted before the first image is looked at: milliseconds. */
const countedAtMost = 50_000

/**
 * The images of a file, a folder (with its sub-folders, in the order of their names), a glob or a list file (`.txt`, a
 * path a line, relative to the list's folder; blank lines and lines that begin with `#` are passed over). A folder is
 * read one sub-folder at a time, so that memory does not grow with it; a glob and a list keep their paths, not more. The address
 * of an image on the web is fetched, a video's file or stream is decoded by ffmpeg. Where `standardInput` is given, so may be `-`,
 * the paths or the tar archive that come from there, and an archive's file.
 * @throws UsageError when there is no such file or folder, or a glob finds nothing
 */
export async function openImageSource(
  source: string,
  { standardInput, fps }: SourceOptions = {},
): Promise<ImageSource> {
  const video = videoInput(source)
  // A file that is not there is told below; a camera may be a number.
  const isThere = (input: string) => isAddress(source) || existsSync(input.replace(/^file:/, ""))
  // Of a camera only Linux has a file.
  if (video && ((isCamera(video) && process.platform !== "linux") || isThere(video.at(-1)!))) {
    const { rate, frames, [Symbol.asyncIterator]: images } = await openVideo(source, video, fps)
    return { source, rate, count: () => frames, [Symbol.asyncIterator]: images }
  }
  if (fps !== undefined) throw new UsageError(`--fps is for a video, which ${source} is not`)
  if (isUrl(source)) return fetched(source)
  if (source === "-" && standardInput) return streamed("standard input", process.cwd(), () => standardInput)
  const path = resolve(source)
  const status = statSync(path, { throwIfNoEntry: false })
  if (status?.isDirectory()) {
    const count = (isWanted: (file: string) => boolean) => countImages(path, countedAtMost, isWanted)
    return { source, count, [Symbol.asyncIterator]: () => walkImages(path) }
  }
  if (status !== undefined) {
    if (standardInput && /\.(tar|tar\.gz|tgz)$/i.test(path))
      return streamed(source, dirname(path), () => createReadStream(path))
    if (extname(path).toLowerCase() === ".txt") return fixed(source, dirname(path), listedFiles(path))
    return fixed(source, dirname(path), [path])
  }
  if (isDynamicPattern(source)) {
    const files = (await glob(source, { absolute: true, dot: true })).filter(isImageName).sort()
    if (files.length === 0) throw new UsageError(`${source}: the pattern finds no image (${imageEndings.join(" ")})`)
    return fixed(source, commonFolder(files), files)
  }
  throw new UsageError(
    `${source}: no such file or folder. Expected an image, a video, a folder, a pattern or a list file`,
  )
}

function listedFiles(list: string): string[] {
  const lines = readFileSync(list, "utf8").split(/\r?\n/)
  const files = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"))
  if (files.length === 0) throw new DataError(`${list}: expected a path of an image on each line, got none`)
  return files.map((file) => resolve(dirname(list), file))
}

/** The image of an address, fetched when it is asked for. */
function fetched(url: string): ImageSource {
  const [path = ""] = safeNames([basename(new URL(url).pathname) || new URL(url).hostname])
  const [stem = ""] = uniqueStems([path])
  return {
    source: url,
    count: () => 1,
    async *[Symbol.asyncIterator]() {
      yield { file: "", bytes: await fetchBytes(url), path, stem }
    },
  }
}

function streamed(source: string, folder: string, open: () => Readable): ImageSource {
  return { source, count: () => undefined, [Symbol.asyncIterator]: () => streamedImages(open(), folder, source) }
}

function fixed(source: string, folder: string, files: readonly string[]): ImageSource {
  const paths = files.map((file) => pathWithin(folder, file))
  const stems = uniqueStems(paths)
  return {
    source,
    count: (isWanted) => files.filter(isWanted).length,
    async *[Symbol.asyncIterator]() {
      for (const [i, file] of files.entries()) yield { file, path: paths[i]!, stem: stems[i]! }
    },
  }
}

function commonFolder(files: readonly string[]): string {
  const first = dirname(files[0]!).split(sep)
  const last = dirname(files.at(-1)!).split(sep)
  // Of sorted paths the first and the last differ soonest.
  const shared = first.findIndex((part, i) => part !== last[i])
  return (shared < 0 ? first : first.slice(0, shared)).join(sep) || sep
}
