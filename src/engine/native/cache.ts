import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { homedir } from "node:os"
import { dirname, join } from "node:path"

/** The libtensorflow that setup fetches when it is given none. */
export const libtensorflowVersion = "2.21.0"
/** Node's stable binary interface that the addon is built against: one addon serves Node 20, 22 and 24. */
export const napiVersion = 8

/** A native engine in the cache, as its `manifest.json` describes it. */
export interface NativeEntry {
  readonly folder: string
  readonly manifest: NativeManifest
}

export interface NativeManifest {
  readonly libtensorflow: string
  readonly device: "cpu" | "gpu"
  readonly platform: string
  readonly tfjsNode: string
  readonly napi: number
  /** Path in the folder -> size and SHA-256. */
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>
}

type Environment = Readonly<Record<string, string | undefined>>

/** The user's cache folder for resdet: `RESDET_CACHE`, else where the platform keeps caches. */
export function cacheFolder(environment: Environment = process.env, platform: string = process.platform): string {
  const { RESDET_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment
  if (RESDET_CACHE) return RESDET_CACHE
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "resdet")
  if (platform === "win32") return join(LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "resdet")
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "resdet")
}

/** Everything below `cache` that belongs to native TensorFlow. */
export function nativePaths(cache: string) {
  const root = join(cache, "native")
  return {
    root,
    downloads: join(root, "downloads"),
    lock: join(root, "lock"),
    /** Names the folder that is used; what a set-up engine must fit is in its name. */
    current: join(root, `current-${fits()}.json`),
    entry: (libtensorflow: string, device: "cpu" | "gpu") => join(root, `${libtensorflow}-${device}-${fits()}`),
  }
}

/** The addon and the loader inside an entry. The addon looks for its libraries in `../../deps/lib`. */
export const addonPath = `lib/napi-v${napiVersion}/tfjs_binding.node`
export const loaderPath = `lib/napi-v${napiVersion}/resdet_loader.node`
export const libraryFolder = "deps/lib"

/**
 * The native engine that is set up, if there is one and its files have the sizes they should have. Sizes are looked at on
 * every start (microseconds); checksums by setup (a second).
 */
export function findNative(cache: string = cacheFolder()): NativeEntry | undefined {
  try {
    const { folder } = JSON.parse(readFileSync(nativePaths(cache).current, "utf8")) as { folder: string }
    return readEntry(join(nativePaths(cache).root, folder))
  } catch {
    return undefined
  }
}

/** The entry in `folder`, or undefined when it is not whole. */
export function readEntry(folder: string): NativeEntry | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as NativeManifest
    const whole = Object.entries(manifest.files).every(([file, { size }]) => statSync(join(folder, file)).size === size)
    return whole ? { folder, manifest } : undefined
  } catch {
    return undefined
  }
}

export function tfjsNodeVersion(): string {
  const require = createRequire(import.meta.url)
  return (require("@tensorflow/tfjs-node-gpu/package.json") as { version: string }).version
}

/** The C++ that setup compiles, and where it lies in this package. */
export const addonSources = ["binding.cc", "loader.cc", "signals.h"] as const
export const addonSourceFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve("resdet/package.json")), "src", "engine", "native")

/** What an addon was built from and for: one of other sources is never loaded. */
function fits(): string {
  const hash = createHash("sha256")
  for (const name of addonSources) hash.update(readFileSync(join(addonSourceFolder(), name)))
  const sources = hash.digest("hex").slice(0, 8)
  return `${process.platform}-${process.arch}-tfjs${tfjsNodeVersion()}-napi${napiVersion}-addon${sources}`
}
