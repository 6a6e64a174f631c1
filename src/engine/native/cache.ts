import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { fetchedPackages } from "../../core/fetched-package.js"
import { cacheFolder, packageFolder } from "../../core/own-package.js"

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

/** The tfjs-node whose JavaScript and binding an entry has. */
export const tfjsNodeVersion = fetchedPackages.tfjsNode[0].version
/** tfjs-node's JavaScript inside an entry. It finds TensorFlow.js in the `node_modules` around it. */
export const tfjsNodePath = `node_modules/${fetchedPackages.tfjsNode[0].name}`

/** The C++ that setup compiles, and where it lies in this package. */
export const addonSources = [
  "backend.cc",
  "backend.h",
  "binding.cc",
  "collectives.cc",
  "collectives.h",
  "loader.cc",
  "loopback.cc",
  "loopback.h",
  "recorder.cc",
  "recorder.h",
  "signals.h",
] as const
export const addonSourceFolder = (): string => join(packageFolder(), "src", "engine", "native")

/** Counts the layouts of an entry that there have been. */
const layout = 2

/** What an addon was built from and for: one of other sources is never loaded. */
function fits(): string {
  const hash = createHash("sha256")
  for (const name of addonSources) hash.update(readFileSync(join(addonSourceFolder(), name)))
  const sources = hash.digest("hex").slice(0, 8)
  return `${process.platform}-${process.arch}-tfjs${tfjsNodeVersion}-napi${napiVersion}-addon${sources}-${layout}`
}
