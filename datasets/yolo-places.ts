import { basename, dirname, isAbsolute, join, posix, relative, resolve, sep } from "node:path"
import { globSync, isDynamicPattern } from "tinyglobby"
import { DataError } from "../src/core/errors.js"
import { didYouMean } from "../src/core/suggest.js"
import type { FaultLog } from "./faults.js"
import { NoSplitError } from "./faults.js"
import { isFile, isFolder, isPictureName, withoutEnding } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { readLines } from "./text.js"
import type { YoloSettings } from "./yolo-settings.js"

/** An image of a split. */
export interface YoloImage {
  /** Absolute path, or undefined for one that is listed but not there. */
  readonly file: string | undefined
  /** Its path, as it is listed or in its folder. */
  readonly name: string
  /** The folder it was listed from: where label files are looked for. */
  readonly place: string
}

/**
 * The images of a split: of its folders and theirs, its patterns and its lists.
 * @throws NoSplitError when the settings do not name the split, or name a place that is not there
 */
export function yoloImages(
  settings: YoloSettings,
  split: string,
  followLinks: boolean,
  log: FaultLog,
  notices: string[],
): YoloImage[] {
  const parts = split === "trainval" && !settings.places.has("trainval") ? ["train", "val"] : [split]
  const all = new FolderFiles(settings.root, { followLinks })
  const found: YoloImage[] = []
  for (const part of parts) {
    const places = settings.places.get(part)
    if (places === undefined) {
      const known = ["train", "val", "test"].filter((name) => settings.places.has(name))
      throw new NoSplitError(
        `${settings.file}: no split "${part}".${didYouMean(part, known)} There: ${known.join(", ")}`,
      )
    }
    for (const place of places) found.push(...imagesOf(place, settings, all, notices))
  }
  notices.push(...all.notices())
  const seen = new Set<string>()
  return found.filter(({ file }) => {
    if (file === undefined) return true
    if (seen.has(file)) {
      log.report(
        "duplicate-id",
        relative(settings.root, file).split(sep).join("/"),
        `the image is listed twice in "${split}"`,
      )
      return false
    }
    seen.add(file)
    return true
  })
}

function imagesOf(place: string, { root, file }: YoloSettings, all: FolderFiles, notices: string[]): YoloImage[] {
  const written = place.replaceAll("\\", "/")
  const paths = pathsOf(written, root, file, notices)
  return paths.flatMap((path): YoloImage[] => {
    if (isFolder(path)) return imagesIn(path, root, all, notices)
    const name = relative(root, path).split(sep).join("/")
    if (isPictureName(path)) return [{ file: all.find(name, basename(file)), name, place: dirname(path) }]
    const lines = readLines(path).filter((line) => !line.startsWith("#"))
    const listed = lines.map((line) => listedImage(unquoted(line), path, root, all))
    return listed.every((one) => one.file === undefined) ? byNameAlone(listed, root, all, notices) : listed
  })
}

/** Letters of a place, and wildcards of one of its steps: more is no path, and matching takes for ever. @source Linux's PATH_MAX; ours */
const most = { letters: 4096, wildcards: 3 }

/** Where a place is: a folder, a list, or what a pattern finds. @throws DataError for one that no path can be */
function pathsOf(place: string, root: string, file: string, notices: string[]): string[] {
  const isWild = place.split("/").some((step) => (step.match(/\*+/g)?.length ?? 0) > most.wildcards)
  if (place.length > most.letters || isWild) {
    throw new DataError(
      `${file}: "${place}": expected at most ${most.letters} letters, and ${most.wildcards} wildcards between two slashes`,
    )
  }
  const path = resolve(root, place)
  const isInside = path === root || path.startsWith(root + sep)
  if (isInside && (isFolder(path) || isFile(path))) return [path]
  if (isInside && isDynamicPattern(place)) {
    const found = globSync(place, { cwd: root, absolute: true, onlyFiles: false, expandDirectories: false })
    if (found.length > 0) return found.map((one) => resolve(one)).sort()
  }
  // Roboflow writes ../train/images for the folder beside the yaml; other paths are those of another machine.
  const steps = place.split("/").filter((step) => step !== "" && step !== "." && step !== "..")
  for (let from = isInside && !isAbsolute(place) ? 1 : 0; from < steps.length; from++) {
    const inside = steps.slice(from).join("/")
    const near = join(root, inside)
    // One folder's name alone, such as `images`, may be another split's.
    const isLike = isFile(near) || (isFolder(near) && (from === 0 || from < steps.length - 1))
    if (!isLike) continue
    notices.push(`${basename(file)}: "${place}" is taken as "${inside}"`)
    return [near]
  }
  if (!isInside && (isFolder(path) || isFile(path))) {
    throw new DataError(`${file}: unsafe-path: "${place}" leaves the data folder. Set "path" to a folder that holds it`)
  }
  throw new NoSplitError(`${file}: no folder or list ${path}. Paths are relative to the yaml file, or to its "path"`)
}

function imagesIn(path: string, root: string, all: FolderFiles, notices: string[]): YoloImage[] {
  const folder = relative(root, path).split(sep).join("/")
  const names = all.below(folder)
  const passed = names.filter(
    (name) =>
      !isPictureName(name) &&
      !/\.(txt|npy|cache|xml|json|ya?ml|data|names|md|csv)$/i.test(name) &&
      !/(^|\/)\./.test(name) &&
      basename(name) !== "Thumbs.db",
  )
  if (passed.length > 0)
    notices.push(
      `${folder || "."}: ${passed.length} files are no pictures and are passed over, such as ${basename(passed[0]!)}`,
    )
  return names.filter(isPictureName).map((name) => ({
    file: all.find(name, name),
    name: folder === "" ? name : posix.relative(folder, name),
    place: path,
  }))
}

/** A line of a list: relative to the data folder, to the list with `./` or `../`, or a path of another machine. */
function listedImage(line: string, list: string, root: string, all: FolderFiles): YoloImage {
  const near = relative(root, resolve(dirname(list), line.replaceAll("\\", "/")))
    .split(sep)
    .join("/")
  const fromList = isAbsolute(line) || near.startsWith("..") ? undefined : near
  const isDotted = /^\.\.?[\\/]/.test(line)
  const plain = line.replace(/^\.[\\/]/, "")
  const where = relative(root, list).split(sep).join("/")
  const tries = isDotted ? [fromList, plain] : [plain, fromList]
  const inside = tries.filter((name) => name !== undefined && !/^\.\.([\\/]|$)/.test(name)) as string[]
  for (const name of inside) {
    const file = all.find(name, where)
    if (file !== undefined) return { file, name: relative(root, file).split(sep).join("/"), place: root }
  }
  const file = all.findEnding(line, where)
  return { file, name: file === undefined ? plain : relative(root, file).split(sep).join("/"), place: root }
}

/** Where not one image of a list is where it says, those of the same name, if there is one each. */
function byNameAlone(listed: readonly YoloImage[], root: string, all: FolderFiles, notices: string[]): YoloImage[] {
  const found = listed.map(({ name }): YoloImage => {
    const file = all.findImage(withoutEnding(posix.basename(name.replaceAll("\\", "/"))), name)
    return { file, name: file === undefined ? name : relative(root, file).split(sep).join("/"), place: root }
  })
  const count = found.filter(({ file }) => file !== undefined).length
  if (count > 0)
    notices.push(
      `${count} listed images are not where the list says: those of the same name in the data folder are taken`,
    )
  return found
}

const unquoted = (line: string) => line.replace(/^(["'])(.*)\1$/, "$2")
