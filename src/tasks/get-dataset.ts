import { existsSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { extract } from "tar"
import { DataError, UsageError, UserError } from "../core/errors.js"
import { cacheFolder } from "../core/own-package.js"
import { didYouMean } from "../core/suggest.js"
import { makeFolder } from "../core/write-whole.js"
import { walkImages } from "../predict/walk-images.js"
import { download } from "../setup/download.js"
import { type PublishedData, publishedData } from "../setup/published-data.js"
import { unpackZip } from "../setup/wheel.js"
import { parseOptions } from "./config.js"
import { countOff, type Listener, listenerOf, type TaskHooks } from "./hooks.js"
import { megabytesTold } from "./named-weights.js"
import { type GetDatasetOptions, getDatasetSchema } from "./options/get-dataset.js"

export interface FetchedDataset {
  readonly name: string
  /** What `--data` takes. */
  readonly folder: string
  readonly images: number
  readonly licence: string
}

/**
 * Fetches a published data set, checks the archives by their published hashes, unpacks them beside, and puts the whole into place.
 * What is there already is only counted. Archives lie in the cache until they are unpacked, so that a call that was stopped goes on.
 * @param known the data sets that there are, for tests
 * @throws UsageError for an unknown name; UserError where one cannot be fetched, with the way by hand; DataError where
 * images are missing
 */
export async function getDataset(
  options: GetDatasetOptions,
  hooks: TaskHooks = {},
  known: readonly PublishedData[] = publishedData,
): Promise<FetchedDataset> {
  const { name, out, from, offline } = parseOptions("getDataset", getDatasetSchema, options)
  const listener = listenerOf(hooks)
  const names = known.map((one) => one.name)
  const data = known.find((one) => one.name === name)
  if (data === undefined) {
    throw new UsageError(`unknown data set "${name}".${didYouMean(name, names)} Known: ${names.join(", ")}`)
  }
  const folder = join(out, data.place)
  if (!existsSync(folder)) {
    const archives = await fetchArchives(data, { from, offline }, listener)
    await unpackAll(archives, data, out, listener)
    for (const archive of archives) await rm(archive)
  }
  const images = await countBelow(folder)
  if (images !== data.images) {
    throw new DataError(
      `${folder}: expected ${data.images} images, found ${images}. Remove the folder and get it again`,
    )
  }
  return { name, folder: data.place.startsWith("VOCdevkit") ? dirname(folder) : folder, images, licence: data.licence }
}

async function fetchArchives(
  { name, archives, licence }: PublishedData,
  { from, offline }: { readonly from: string | undefined; readonly offline: boolean },
  listener: Listener,
): Promise<string[]> {
  const total = archives.reduce((sum, { megabytes }) => sum + megabytes, 0)
  if (!offline) listener.log(`fetching ${name}: ${archives.length} archives, ${total} MB; ${licence}`)
  const paths: string[] = []
  for (const archive of archives) {
    const path = join(cacheFolder(), "downloads", archive.file)
    const url = from === undefined ? archive.url : `${from.replace(/\/+$/, "")}/${archive.file}`
    await download({ ...archive, url }, path, {
      offline,
      signal: listener.signal,
      onLog: listener.log,
      onProgress: megabytesTold(listener, `fetch ${archive.file}`, archive.megabytes),
    })
    paths.push(path)
  }
  return paths
}

/** Unpacks archives into a folder beside their place, into which it is moved when all is there. */
async function unpackAll(
  archives: readonly string[],
  { name, unpacked, place }: PublishedData,
  out: string,
  listener: Listener,
): Promise<void> {
  const { log, signal } = listener
  const staging = join(out, `.${name}.unpacking`)
  await rm(staging, { recursive: true, force: true })
  makeFolder(staging)
  try {
    for (const archive of archives) {
      signal.throwIfAborted()
      log(`unpacking ${archive}`)
      const told = countOff(listener, `unpack ${basename(archive)}`)
      let files = 0
      if (archive.endsWith(".zip")) await unpackZip(archive, staging, (path) => path, told)
      else await extract({ file: archive, cwd: staging, strict: true, onReadEntry: () => told(++files) })
    }
    await mkdir(dirname(join(out, place)), { recursive: true })
    await rename(join(staging, unpacked), join(out, place))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new UserError(`there is no space in ${out} to unpack ${name}: make some, and run this again to go on`)
    }
    throw error
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function countBelow(folder: string): Promise<number> {
  let count = 0
  // VOC's outlines of objects are pictures too.
  for await (const { path } of walkImages(folder)) if (!path.startsWith("Segmentation")) count++
  return count
}
