import { createHash } from "node:crypto"
import { existsSync, statSync } from "node:fs"
import { cp, link, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { UserError } from "../core/errors.js"
import { fetchedPackages } from "../core/fetched-package.js"
import { fileSha256 } from "../core/file-sha256.js"
import { cacheFolder } from "../core/own-package.js"
import {
  addonPath,
  libraryFolder,
  libtensorflowVersion,
  loaderPath,
  type NativeEntry,
  type NativeManifest,
  napiVersion,
  nativePaths,
  readEntry,
  tfjsNodeVersion,
} from "../engine/native/cache.js"
import { gpuDriver, lentCode, lentPackages } from "../engine/native/load.js"
import { buildAddon } from "./build.js"
import { cudaWheels } from "./cuda-wheels.js"
import { filesBelow, placePackage } from "./fetch-package.js"
import { withLock } from "./lock.js"
import { needCompiler } from "./programs.js"
import { downloadWheel, tensorflowWheel, unpackZip, type WheelSource, wheelVersion } from "./wheel.js"

export interface SetupOptions {
  /** A TensorFlow wheel, or a folder with `include/` and the two libraries, instead of a download. */
  readonly libtensorflow?: string
  /** Default: "gpu" where an NVIDIA driver is loaded, else "cpu". */
  readonly device?: "cpu" | "gpu"
  /** Default: the user's cache folder. */
  readonly cache?: string
  /** Told each step, and what pip says. */
  readonly onLog?: (line: string) => void
  /** Told how far fetching, compiling and unpacking are. */
  readonly onProgress?: ((job: string, done: number, total: number | undefined, unit?: "MB") => void) | undefined
}

/**
 * Makes native TensorFlow ready in the cache: fetches or takes the official wheel and tfjs-node, keeps the two libraries of the
 * one, builds the addon of the other against them. What is there already and whole is only checked. Built beside and moved into place, so
 * that an interrupted run leaves nothing half done; a second process waits for the first.
 * @throws UserError saying in one line what is missing
 */
export async function setUpNative(options: SetupOptions = {}): Promise<NativeEntry> {
  const unsupported = whyUnsupported()
  if (unsupported) throw new UserError(unsupported)
  const log = options.onLog ?? (() => {})
  const device = options.device ?? (gpuDriver() ? "gpu" : "cpu")
  const paths = nativePaths(options.cache ? resolve(options.cache) : cacheFolder())
  const given = options.libtensorflow && resolve(options.libtensorflow)
  if (given && !existsSync(given)) throw new UserError(`--libtensorflow: there is no ${given}`)
  const folder = paths.entry(given ? nameOf(given) : libtensorflowVersion, device)
  const waiting = (holder: string) => log(`waiting for another setup (${holder})`)
  try {
    return await withLock(paths.lock, waiting, async () => {
      const ready = await verified(folder, log)
      const entry = ready ?? (await build(folder, device, given, paths.downloads, log, options.onProgress))
      const pointer = `${paths.current}.new`
      await writeFile(pointer, JSON.stringify({ folder: basename(folder) }))
      await rename(pointer, paths.current)
      return entry
    })
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === "ENOSPC") throw new UserError(`the disk is full: setup needs about 2 GB free under ${paths.root}`)
    if (code === "EACCES" || code === "EROFS" || code === "ENOTDIR") {
      throw new UserError(`${path ?? paths.root} cannot be written (${code}): choose another folder with --cache`)
    }
    throw error
  }
}

/** Why native TensorFlow cannot be had on this kind of machine at all, or undefined where it can. */
export function whyUnsupported(): string | undefined {
  const { platform, arch } = process
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  const glibc = platform === "linux" && report.header?.glibcVersionRuntime !== undefined
  if (glibc && (arch === "x64" || arch === "arm64")) return undefined
  return `native TensorFlow is set up on Linux with glibc on x64 or arm64 only, this is ${platform} ${arch}`
}

const platformName = `${process.platform}-${process.arch}`

async function verified(folder: string, log: (line: string) => void): Promise<NativeEntry | undefined> {
  const entry = readEntry(folder)
  if (!entry) return undefined
  log("checking what is in the cache")
  for (const [file, { sha256 }] of Object.entries(entry.manifest.files)) {
    if ((await fileSha256(join(folder, file))) !== sha256) {
      log(`${file} is damaged: setting up again`)
      return undefined
    }
  }
  return entry
}

async function build(
  folder: string,
  device: "cpu" | "gpu",
  given: string | undefined,
  downloads: string,
  log: (line: string) => void,
  onProgress: SetupOptions["onProgress"],
): Promise<NativeEntry> {
  await needCompiler()
  const staging = `${folder}.building`
  await rm(staging, { recursive: true, force: true })
  await mkdir(staging, { recursive: true })
  try {
    const earlier = given || device === "gpu" ? undefined : await findEarlier(dirname(folder), log)
    let cuda: string[] = []
    if (earlier) await layOutEarlier(earlier, staging)
    else {
      const source = given ?? (await fetchWheel(tensorflowWheel(device), downloads, log, onProgress))
      log(`unpacking ${basename(source)}`)
      await layOut(source, staging, (done, total) => onProgress?.("unpack", done, total))
      if (device === "gpu" && source.endsWith(".whl")) cuda = await layOutCuda(staging, downloads, log, onProgress)
    }
    await layOutTfjsNode(staging, log)
    log("building the addon")
    await buildAddon(staging, (done, total) => onProgress?.("compile", done, total))
    await rm(join(staging, "build-here"), { recursive: true, force: true })
    const libraries = libraryNames.map((name) => `${libraryFolder}/${name}`)
    const code = await filesBelow(staging, "node_modules")
    const manifest = await describe(staging, [...libraries, ...cuda, addonPath, loaderPath, ...code], {
      libtensorflow: given ? nameOf(given) : libtensorflowVersion,
      device,
      platform: platformName,
      tfjsNode: tfjsNodeVersion,
      napi: napiVersion,
    })
    await writeFile(join(staging, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`)
    await rm(folder, { recursive: true, force: true })
    await rename(staging, folder)
    await rm(downloads, { recursive: true, force: true })
    return { folder, manifest }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** Puts tfjs-node's code there, what it needs, and what stands for TensorFlow.js. */
async function layOutTfjsNode(folder: string, log: (line: string) => void): Promise<void> {
  for (const pinned of fetchedPackages.tfjsNode) {
    await placePackage(pinned, join(folder, "node_modules", pinned.name), log)
  }
  for (const name of lentPackages) {
    await mkdir(join(folder, "node_modules", name), { recursive: true })
    await writeFile(join(folder, "node_modules", name, "index.js"), lentCode)
  }
}

async function fetchWheel(
  source: WheelSource,
  downloads: string,
  log: (line: string) => void,
  onProgress: SetupOptions["onProgress"],
): Promise<string> {
  log(`fetching ${source.requirement} with pip`)
  return downloadWheel(source, downloads, log, (done, total) => onProgress?.("fetch", done, total, "MB"))
}

const libraryNames = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"] as const

/** Whether the addon may need a file of `include/`: the C interface, and what that includes. They stay in the cache. */
const isHeader = (path: string): boolean =>
  /^(tensorflow\/c|xla\/tsl\/c)\/|^(tensorflow\/core|tsl)\/platform\/ctstring/.test(path)

/** A whole entry of another addon with the same libraries: they need not be fetched and kept twice. */
export async function findEarlier(root: string, log: (line: string) => void): Promise<NativeEntry | undefined> {
  for (const name of await readdir(root)) {
    const entry = readEntry(join(root, name))
    const { libtensorflow, device, platform } = entry?.manifest ?? {}
    const fits = libtensorflow === libtensorflowVersion && device === "cpu" && platform === platformName
    if (fits && existsSync(join(root, name, "deps", "include")) && (await verified(join(root, name), log))) return entry
  }
  return undefined
}

async function layOutEarlier({ folder: earlier }: NativeEntry, folder: string): Promise<void> {
  await cp(join(earlier, "deps", "include"), join(folder, "deps", "include"), { recursive: true })
  await mkdir(join(folder, libraryFolder))
  for (const name of libraryNames) await link(join(earlier, libraryFolder, name), join(folder, libraryFolder, name))
}

/** Puts headers and the two libraries of a wheel or a folder into `folder/deps`. */
async function layOut(source: string, folder: string, onEntry: (done: number, total: number) => void): Promise<void> {
  const deps = join(folder, "deps")
  if (statSync(source).isDirectory()) {
    const root = [source, join(source, "tensorflow")].find((at) => existsSync(join(at, "include")))
    if (!root)
      throw new UserError(`--libtensorflow: ${source} has no include/ folder; give a wheel or what it unpacks to`)
    const include = join(root, "include")
    for (const path of await readdir(include, { recursive: true })) {
      if (isHeader(path)) await cp(join(include, path), join(deps, "include", path), { recursive: true })
    }
    for (const name of libraryNames) {
      const found = [join(root, name), join(root, "lib", name)].find((at) => existsSync(at))
      if (!found) throw new UserError(`--libtensorflow: ${source} has no ${name}`)
      await cp(found, join(deps, "lib", name), { dereference: true })
    }
  } else {
    const place = (name: string) => {
      const [, header, library] = /^tensorflow\/(?:include\/(.+)|([^/]+))$/.exec(name) ?? []
      if (header && isHeader(header)) return `include/${header}`
      return libraryNames.some((known) => known === library) ? `lib/${library}` : undefined
    }
    const written = await unpackZip(source, deps, place, onEntry)
    if (written.filter((path) => path.startsWith("lib/")).length !== 2) {
      throw new UserError(`${source} holds no libtensorflow_cc.so.2: give a TensorFlow 2 wheel for Linux`)
    }
  }
}

/**
 * CUDA's libraries where TensorFlow's library looks for them: in `../nvidia/<part>/lib` from its
 * own folder, by its run path. Each of them finds the others in the same way.
 */
async function layOutCuda(
  folder: string,
  downloads: string,
  log: (line: string) => void,
  onProgress: SetupOptions["onProgress"],
): Promise<string[]> {
  const libraries: string[] = []
  for (const source of cudaWheels()) {
    const part = await fetchWheel(source, downloads, log, onProgress)
    log(`unpacking ${basename(part)}`)
    const written = await unpackZip(part, join(folder, "deps"), (name) =>
      /^nvidia\/[^/]+\/lib\/[^/]+\.so[.0-9]*$/.test(name) ? name : undefined,
    )
    libraries.push(...written.map((path) => `deps/${path}`))
  }
  return libraries
}

async function describe(
  folder: string,
  paths: readonly string[],
  about: Omit<NativeManifest, "files">,
): Promise<NativeManifest> {
  const files: Record<string, { size: number; sha256: string }> = {}
  for (const path of paths) {
    const file = join(folder, path)
    files[path] = { size: statSync(file).size, sha256: await fileSha256(file) }
  }
  return { ...about, files }
}

/** A wheel's version, or a name for a folder one has. */
function nameOf(path: string): string {
  const version = wheelVersion(path)
  return version ?? `given-${createHash("sha256").update(path).digest("hex").slice(0, 8)}`
}
