import { createHash } from "node:crypto"
import { createReadStream, existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { basename, dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { extract } from "tar"
import { UserError } from "../core/errors.js"
import { type FetchedName, fetchedFolder, fetchedPackages, type PinnedPackage } from "../core/fetched-package.js"
import { withLock } from "./lock.js"
import { notThere, run } from "./programs.js"

/**
 * Makes a group of pinned packages ready in the cache. What is there already and whole is only checked. Made beside and moved
 * into place; a second process waits for the first.
 * @throws UserError saying in one line what is missing
 */
export async function fetchPackages(name: FetchedName, cache: string, log: (line: string) => void): Promise<void> {
  const folder = fetchedFolder(name, cache)
  await withLock(
    `${folder}.lock`,
    (holder) => log(`waiting for another setup (${holder})`),
    async () => {
      if (await isWhole(folder, log)) return
      const staging = `${folder}.building`
      await rm(staging, { recursive: true, force: true })
      await mkdir(staging, { recursive: true })
      try {
        for (const pinned of fetchedPackages[name]) {
          await placePackage(pinned, join(staging, "node_modules", pinned.name), log)
        }
        await writeFile(join(staging, "files.json"), JSON.stringify(await hashes(staging), undefined, 2))
        await rm(folder, { recursive: true, force: true })
        await rename(staging, folder)
      } finally {
        await rm(staging, { recursive: true, force: true })
      }
    },
  )
}

/** Puts a package into `folder`: the one that is installed here, if it is of that version, else the registry's. */
export async function placePackage(pinned: PinnedPackage, folder: string, log: (line: string) => void): Promise<void> {
  await mkdir(folder, { recursive: true })
  const installed = await findInstalled(pinned)
  if (installed !== undefined) {
    for (const path of await readdir(installed, { recursive: true })) {
      const isFile = (await stat(join(installed, path))).isFile()
      if (isFile && pinned.keep(path.replaceAll("\\", "/"))) await cp(join(installed, path), join(folder, path))
    }
    return
  }
  const downloads = await mkdtemp(`${folder}.download-`)
  try {
    log(`fetching ${pinned.name} ${pinned.version} with npm`)
    const tarball = await packWithNpm(pinned, downloads)
    log(`unpacking ${basename(tarball)}`)
    const filter = (path: string) => pinned.keep(path.split("/").slice(1).join("/"))
    await extract({ file: tarball, cwd: folder, strip: 1, filter })
  } finally {
    await rm(downloads, { recursive: true, force: true })
  }
}

async function findInstalled({ name, version }: PinnedPackage): Promise<string | undefined> {
  for (const root of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const description = join(root, name, "package.json")
    if (!existsSync(description)) continue
    const found = JSON.parse(await readFile(description, "utf8")) as { version: string }
    return found.version === version ? dirname(description) : undefined
  }
  return undefined
}

/** Fetches a package's tarball with the user's own npm, as it is configured; none of its scripts runs. */
async function packWithNpm({ name, version, integrity }: PinnedPackage, folder: string): Promise<string> {
  const [program, ...args] = npmCall()
  const { code, output } = await run(program, [
    ...args,
    ...["pack", `${name}@${version}`, "--pack-destination", folder, "--ignore-scripts", "--no-update-notifier"],
    ...["--loglevel", "error"],
  ])
  if (code === notThere) throw new UserError(`npm was not found: setup fetches ${name} with it`)
  const tarball = (await readdir(folder)).find((file) => file.endsWith(".tgz"))
  if (code !== 0 || !tarball) throw new UserError(`npm could not fetch ${name} ${version}: ${npmFailure(output)}`)
  const hash = createHash("sha512")
  await pipeline(createReadStream(join(folder, tarball)), hash)
  if (`sha512-${hash.digest("base64")}` !== integrity) {
    throw new UserError(`npm fetched another ${tarball} than the official one: check the registry that npm uses`)
  }
  return join(folder, tarball)
}

/** How to call the npm that runs us, or else the one beside this Node. */
function npmCall(): [string, ...string[]] {
  const { npm_execpath: running } = process.env
  const beside = join(dirname(process.execPath), "..", "lib", "node_modules", "npm", "bin", "npm-cli.js")
  const windows = join(dirname(process.execPath), "node_modules", "npm", "bin", "npm-cli.js")
  const script = [running, beside, windows].find((path) => path && /npm-cli\.js$/.test(path) && existsSync(path))
  return script ? [process.execPath, script] : ["npm"]
}

/** What went wrong, out of all that npm says. */
export function npmFailure(output: string): string {
  if (/ENOSPC/.test(output)) return "the disk is full"
  if (/ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ERR_SOCKET|ENOTCACHED/.test(output)) {
    return "the registry cannot be reached; go online once"
  }
  const lines = output.split("\n").filter((line) => /^npm (error|ERR!) /.test(line))
  return lines.find((line) => !/ code /.test(line))?.replace(/^npm (error|ERR!) /, "") ?? "it said nothing"
}

type Hashes = Readonly<Record<string, string>>

async function isWhole(folder: string, log: (line: string) => void): Promise<boolean> {
  if (!existsSync(folder)) return false
  try {
    const listed = JSON.parse(await readFile(join(folder, "files.json"), "utf8")) as Hashes
    const found = await hashes(folder)
    const damaged = Object.keys(listed).find((path) => listed[path] !== found[path])
    if (damaged === undefined) return true
    log(`${damaged} is damaged: fetching it again`)
  } catch {
    log(`${folder} is damaged: fetching it again`)
  }
  return false
}

/** SHA-256 of each file of the packages in a folder. */
async function hashes(folder: string): Promise<Hashes> {
  const result: Record<string, string> = {}
  for (const path of await filesBelow(folder, "node_modules")) {
    const hash = createHash("sha256")
    await pipeline(createReadStream(join(folder, path)), hash)
    result[path] = hash.digest("hex")
  }
  return result
}

/** The files in `folder/below`, as paths in `folder`, in order. */
export async function filesBelow(folder: string, below: string): Promise<string[]> {
  const files: string[] = []
  for (const path of (await readdir(join(folder, below), { recursive: true })).sort()) {
    if ((await stat(join(folder, below, path))).isFile()) files.push(`${below}/${path.replaceAll("\\", "/")}`)
  }
  return files
}
