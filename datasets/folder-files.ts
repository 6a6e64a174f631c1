import { readdirSync, realpathSync } from "node:fs"
import { basename, extname, isAbsolute, join, posix, relative, resolve, sep, win32 } from "node:path"
import { DataError } from "../src/core/errors.js"
import { imageEndings, isFile, isFolder, isImageName, withoutEnding } from "./folder.js"
import { byCode, fold, isFolderEntry, isMacExtra, type Listing, listing } from "./folder-listing.js"

export interface FolderFilesOptions {
  /** The data folder, which links do not leave. */
  readonly within: string
  /** Whether links may leave it. */
  readonly followLinks: boolean
}

/**
 * The files below one folder, listed once a folder instead of asked for one by one. Names are found as people write them:
 * with backslashes, another case or Unicode form, percent signs, without ending, or as a path on another machine, whose last
 * parts then lie here. Nothing outside of the folder is ever given.
 */
export class FolderFiles {
  readonly root: string
  readonly #within: string
  readonly #followLinks: boolean
  readonly #listed = new Map<string, Listing>()
  readonly #checked = new Set<string>()
  readonly #loose: string[] = []
  readonly #elsewhere: string[] = []
  #stems: { readonly byPath: Map<string, string>; readonly byName: Map<string, string[]> } | undefined

  constructor(root: string, { within = root, followLinks = false }: Partial<FolderFilesOptions> = {}) {
    this.root = resolve(root)
    this.#within = resolve(within)
    this.#followLinks = followLinks
  }

  /**
   * The absolute path of `name`, or undefined when there is no such file.
   * @throws DataError when the name leads out of the folder and no file here ends like it, or a link leads out
   */
  find(name: string, where: string): string | undefined {
    const { steps, isOutside } = this.#stepsOf(name)
    if (!isOutside) {
      const found = (steps.length === 1 ? this.#resolve([name], where) : undefined) ?? this.#resolve(steps, where)
      if (found !== undefined) return found
      return this.#decoded(name, where) ?? (this.#hasStem(steps) ? this.#byStem(steps, where) : undefined)
    }
    const found = name.includes("\0") ? undefined : this.#endingLike(steps, where)
    if (found !== undefined) return found
    throw new DataError(
      `${where}: unsafe-path: the file name ${JSON.stringify(name)} leaves the data folder, and no file in ${this.root} ends like it. Use names relative to it`,
    )
  }

  /** As `find`, also for a relative name whose last parts lie here, such as `data/obj/a.jpg` in the folder `data`. */
  findEnding(name: string, where: string): string | undefined {
    return this.find(name, where) ?? this.#endingLike(this.#stepsOf(name).steps, where)
  }

  /** Whether there is a file of this very name, but for case and Unicode form. */
  has(name: string): boolean {
    const { steps, isOutside } = this.#stepsOf(name)
    let folder = ""
    for (const step of steps) {
      const { entries, alike } = this.#list(folder)
      const like = entries.has(step) ? [step] : (alike().get(fold(step)) ?? [])
      if (like.length !== 1) return false
      folder = folder === "" ? like[0]! : `${folder}/${like[0]}`
    }
    return !isOutside && steps.length > 0
  }

  /** Whether there is an image of this path without its ending, or with it. */
  hasImage(stem: string): boolean {
    this.#stems ??= this.#readStems()
    return this.#stems.byPath.has(stem) || this.#stems.byPath.get(withoutEnding(stem)) === stem
  }

  /** The image whose path has this stem, without ending: exactly, else the only one below with such a name. */
  findImage(stem: string, where: string): string | undefined {
    this.#stems ??= this.#readStems()
    const { byPath, byName } = this.#stems
    const exact = byPath.get(stem)
    if (exact !== undefined) return this.find(exact, where)
    const alike = byName.get(fold(posix.basename(stem))) ?? []
    return alike.length === 1 ? this.find(alike[0]!, where) : undefined
  }

  /** Names of the files directly in the folder, sorted; without those that macOS adds. */
  names(): string[] {
    return [...this.#list("").entries.values()]
      .filter((entry) => !isFolderEntry(entry, this.root))
      .map(({ name }) => name)
      .filter((name) => !isMacExtra(name))
      .sort(byCode)
  }

  /** Paths of the files in the folder and below, with `/` between folders; those of a folder before its sub-folders'. */
  below(folder = ""): string[] {
    const files: string[] = []
    const folders: string[] = []
    for (const entry of this.#list(folder).entries.values()) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`
      if (isMacExtra(entry.name)) continue
      if (isFolderEntry(entry, join(this.root, folder))) folders.push(path)
      else files.push(path)
    }
    files.sort(byCode)
    return [...files, ...folders.sort(byCode).flatMap((path) => (this.#mayEnter(path) ? this.below(path) : []))]
  }

  /** What was found although its name was written otherwise, a line each. */
  notices(): string[] {
    const lines: string[] = []
    const told = (names: readonly string[], one: string) =>
      `${names.length} ${one}, such as ${JSON.stringify(names[0])}`
    if (this.#loose.length > 0) {
      lines.push(
        `${told(this.#loose, "names are not written as the files are called")}: the only files like them are taken`,
      )
    }
    if (this.#elsewhere.length > 0) {
      lines.push(
        `${told(this.#elsewhere, "names point to another place")}: the files that end like them in ${basename(this.root)}/ are taken`,
      )
    }
    return lines
  }

  #stepsOf(name: string): { steps: string[]; isOutside: boolean } {
    const url = /^[a-z][a-z\d+.-]+:\/\//i.test(name)
    const plain = url ? name.split(/[?#]/, 1)[0]! : name
    const isRooted = url || posix.isAbsolute(plain) || win32.isAbsolute(plain) || /^[a-z]:/i.test(plain)
    if (isAbsolute(plain) && !plain.includes("\0")) {
      const near = relative(this.root, plain)
      if (near !== "" && !near.startsWith("..") && !isAbsolute(near))
        return { steps: near.split(sep), isOutside: false }
    }
    const clean = posix.normalize(plain.replaceAll("\\", "/"))
    const steps = clean.split("/").filter((step) => step !== "" && step !== ".")
    return {
      steps: steps.filter((step) => step !== ".."),
      isOutside: isRooted || steps.includes("..") || name.includes("\0"),
    }
  }

  /** The file whose path is the longest end of `steps`. */
  #endingLike(steps: readonly string[], where: string): string | undefined {
    for (let from = 0; from < steps.length; from++) {
      const found = this.#resolve(steps.slice(from), where)
      if (found !== undefined) {
        this.#elsewhere.push(steps.join("/"))
        return found
      }
    }
    return undefined
  }

  #decoded(name: string, where: string): string | undefined {
    if (!name.includes("%")) return undefined
    try {
      const found = this.#resolve(this.#stepsOf(decodeURIComponent(name)).steps, where)
      if (found !== undefined) this.#loose.push(name)
      return found
    } catch (error) {
      if (error instanceof URIError) return undefined
      throw error
    }
  }

  #hasStem(steps: readonly string[]): boolean {
    return steps.length > 0 && !isImageName(steps.at(-1)!)
  }

  /** A name without ending. */
  #byStem(steps: readonly string[], where: string): string | undefined {
    this.#stems ??= this.#readStems()
    const found = this.#stems.byPath.get(steps.join("/"))
    if (found === undefined) return undefined
    this.#loose.push(steps.join("/"))
    return this.find(found, where)
  }

  /** Goes down step by step: exactly, else by the only entry that is alike but for case and Unicode form. */
  #resolve(steps: readonly string[], where: string): string | undefined {
    let folder = ""
    let isLoose = false
    for (const [i, step] of steps.entries()) {
      const { entries, alike } = this.#list(folder)
      const like = entries.has(step) ? [step] : (alike().get(fold(step)) ?? [])
      if (like.length !== 1) return undefined
      const entry = entries.get(like[0]!)!
      isLoose ||= entry.name !== step
      const isLast = i === steps.length - 1
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`
      if (entry.isSymbolicLink()) {
        this.#expectInside(join(this.root, path), where)
        if (isLast && !isFile(join(this.root, path))) return undefined
      }
      if (isFolderEntry(entry, join(this.root, folder)) === isLast) return undefined
      folder = path
    }
    const path = join(this.root, folder)
    if (steps.length === 0) return undefined
    this.#expectInside(this.root, where)
    if (isLoose) this.#loose.push(steps.join("/"))
    return path
  }

  #list(folder: string): Listing {
    let listed = this.#listed.get(folder)
    if (listed === undefined) {
      const path = join(this.root, folder)
      const found = isFolder(path) ? readdirSync(path, { withFileTypes: true }) : []
      listed = listing(found)
      this.#listed.set(folder, listed)
    }
    return listed
  }

  /** Images by their path without ending; of several the first in the order of `imageEndings`. */
  #readStems() {
    const byPath = new Map<string, string>()
    const byName = new Map<string, string[]>()
    const rank = (name: string) => imageEndings.indexOf(extname(name).toLowerCase())
    for (const name of this.below().filter(isImageName)) {
      const stem = withoutEnding(name)
      const other = byPath.get(stem)
      if (other === undefined || rank(name) < rank(other)) byPath.set(stem, name)
    }
    for (const [stem, name] of byPath) {
      const key = fold(posix.basename(stem))
      byName.set(key, [...(byName.get(key) ?? []), name])
    }
    return { byPath, byName }
  }

  /** A linked folder is entered once, and not where it holds itself. */
  #mayEnter(path: string): boolean {
    const full = join(this.root, path)
    const real = realpathSync(full)
    if (real === full) return true
    if (join(this.root, path).startsWith(real + sep)) return false
    this.#expectInside(full, path)
    return true
  }

  #expectInside(path: string, where: string): void {
    if (this.#followLinks || this.#checked.has(path)) return
    this.#checked.add(path)
    if (!isFile(path) && !isFolder(path)) return
    const real = realpathSync(path)
    const base = realpathSync(this.#within)
    if (real === base || real.startsWith(base.endsWith(sep) ? base : base + sep)) return
    throw new DataError(
      `${where}: unsafe-path: ${path} is a link that leaves the data folder. Pass --follow-links if that is meant, or copy it there`,
    )
  }
}
