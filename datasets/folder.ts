import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from "node:fs"
import { dirname, extname, isAbsolute, join, posix, relative, resolve, sep, win32 } from "node:path"
import { DataError } from "../src/core/errors.js"

/** Endings of image files, lower case. */
export const imageEndings: readonly string[] = [
  ".jpg",
  ".jpeg",
  ".png",
  ".webp",
  ".bmp",
  ".tif",
  ".tiff",
  ".gif",
  ".avif",
]

export function isFolder(path: string): boolean {
  return look(path)?.isDirectory() ?? false
}

export function isFile(path: string): boolean {
  return look(path)?.isFile() ?? false
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

/**
 * Refuses a file name that would lead out of the folder it is meant for.
 * @throws DataError for an absolute name, one with `..`, or one with a NUL
 */
export function expectInside(name: string, where: string): void {
  const steps = name.split(/[\\/]/)
  if (isAbsolute(name) || win32.isAbsolute(name) || steps.includes("..") || name.includes("\0")) {
    throw new DataError(
      `${where}: unsafe-path: the file name ${JSON.stringify(name)} leaves the data folder. Use names relative to it`,
    )
  }
}

/** How faults name a file of a data set: relative to its source, or in full when it lies elsewhere. */
export function nameInside(source: string, file: string): string {
  const root = isFile(source) ? dirname(resolve(source)) : resolve(source)
  const near = relative(root, file).replaceAll("\\", "/")
  return near.startsWith("..") ? file : near
}

/**
 * The files below one folder, listed once a folder instead of asked for one by one. A symbolic link that leads out of
 * the folder is refused when it is asked for.
 */
export class FolderFiles {
  readonly root: string
  readonly #listed = new Map<string, Map<string, Dirent>>()

  constructor(root: string) {
    this.root = root
  }

  /**
   * The absolute path of `name` (with `/` between folders), or undefined when there is no such file.
   * @throws DataError when the name or a link leads out of the folder
   */
  find(name: string, where: string): string | undefined {
    expectInside(name, where)
    const clean = posix.normalize(name.replaceAll("\\", "/"))
    const folder = dirname(clean)
    const entry = this.#list(folder).get(posix.basename(clean))
    if (entry === undefined || entry.isDirectory()) return undefined
    const path = join(this.root, clean)
    // Linked sub-folders are followed here as well: the entry's own parent may be a link.
    if (entry.isSymbolicLink() || folder !== ".") this.#expectRealInside(path, where)
    return isLinkToNothing(entry, path) ? undefined : path
  }

  /** Names of the files directly in the folder, sorted. */
  names(): string[] {
    return [...this.#list(".").keys()].sort()
  }

  /** File name by name without ending, for images only; of several the first in the order of `imageEndings`. */
  imagesByStem(): Map<string, string> {
    const stems = new Map<string, string>()
    const rank = (name: string) => imageEndings.indexOf(extname(name).toLowerCase())
    for (const name of this.names()) {
      if (rank(name) < 0) continue
      const stem = name.slice(0, -extname(name).length)
      const other = stems.get(stem)
      if (other === undefined || rank(name) < rank(other)) stems.set(stem, name)
    }
    return stems
  }

  #list(folder: string): Map<string, Dirent> {
    let listed = this.#listed.get(folder)
    if (listed === undefined) {
      listed = new Map()
      const path = join(this.root, folder)
      if (isFolder(path)) {
        for (const entry of readdirSync(path, { withFileTypes: true })) listed.set(entry.name, entry)
      }
      this.#listed.set(folder, listed)
    }
    return listed
  }

  #expectRealInside(path: string, where: string): void {
    let real: string
    try {
      real = realpathSync(path)
    } catch {
      return
    }
    const root = realpathSync(this.root)
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) {
      throw new DataError(`${where}: unsafe-path: ${path} is a link that leaves the data folder. Copy the file into it`)
    }
  }
}

function isLinkToNothing(entry: Dirent, path: string): boolean {
  return entry.isSymbolicLink() && look(path) === undefined
}
