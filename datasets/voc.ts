import { basename, join, posix, relative, sep } from "node:path"
import { withDefaults } from "../src/core/options.js"
import { NoFileError, readRegular } from "../src/core/regular-file.js"
import { didYouMean } from "../src/core/suggest.js"
import { labelsByName, orderClasses } from "./classes.js"
import type { Dataset, ImageRecord } from "./dataset.js"
import { FaultLog, NoSplitError, withPolicies } from "./faults.js"
import { expectInside, isImageName, isPictureName, withoutEnding } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { foreignPicture } from "./image/foreign.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { buildRecord, type RawObject } from "./record.js"
import {
  hasSplit,
  holdsVoc,
  isUndivided,
  listedLines,
  noSplit,
  type VocFolder,
  vocFolders,
  withoutFlag,
} from "./voc-folders.js"
import { readAnnotation, type VocAnnotation } from "./voc-xml.js"

interface ReadFile {
  readonly id: string
  readonly file: string
  /** The annotation file, as faults name it. */
  readonly where: string
  readonly annotation: VocAnnotation
  readonly zeroBased: boolean
}

/**
 * Reads PASCAL VOC: a folder with `JPEGImages/` and `Annotations/`, a `VOCdevkit` with years in it, or several of these
 * joined with `+` (`VOCdevkit/VOC2007+VOC2012`), and the layouts that label tools make of it (`vocFolders`). Corners become
 * `[xmin - 1, ymin - 1, xmax, ymax]`.
 * @throws DataError when there is no such folder or split, or a policy says so
 * @source detectron2 `data/datasets/pascal_voc.py`
 */
export function readVoc(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readVoc", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const notices: string[] = []
  const all = vocFolders(source)
  const { folders, split } = ofOneYear(all, options.split)
  const parts = folders.length > 1 ? foldersWithSplit(folders, split, notices) : folders
  const files = parts.flatMap((folder) => {
    const prefix = all.length > 1 ? `${folder.name}/` : ""
    return readFolder(folder, prefix, { ...options, split }, log, notices)
  })
  const found = files.flatMap(({ annotation }) => annotation.objects.map(({ name }) => name)).filter((name) => name)
  const classes = options.classes ?? orderClasses(found)
  const labels = labelsByName(classes)
  const seen = new Set<string>()
  const images: ImageRecord[] = []
  for (const file of files) {
    // Two years may use one name: the folder then tells them apart.
    const id = seen.has(file.id) ? file.where.replace(/Annotations\/|\.xml$/g, "") : file.id
    seen.add(id)
    const { width, height } = file.annotation
    const objects = file.annotation.objects.flatMap((_, index) => rawObject(file, index, labels, log))
    images.push(
      buildRecord({ id, imageId: images.length + 1, file: file.file, width, height }, objects, file.where, log),
    )
  }
  const categoryIds = classes.map((_, index) => index + 1)
  const undivided = parts.every(isUndivided)
  return {
    ...{ format: "voc", source, split: options.split, classes, categoryIds, images, faults: log.faults, notices },
    ...(undivided && { undivided }),
    ...(files.length > 0 && files.every(({ zeroBased }) => zeroBased) && { cornersFrom: 0 }),
  }
}

/** True for what `readVoc` reads. */
export function isVoc(source: string): boolean {
  return source.split("+").length > 1 || holdsVoc(source)
}

/** `VOC2007/test` is the split `test` of the folder `VOC2007` alone. */
function ofOneYear(all: readonly VocFolder[], asked: string): { folders: readonly VocFolder[]; split: string } {
  const at = asked.lastIndexOf("/")
  if (at < 0) return { folders: all, split: asked }
  const year = asked.slice(0, at)
  const folders = all.filter(({ name }) => name === year)
  if (folders.length > 0) return { folders, split: asked.slice(at + 1) }
  const years = all.map(({ name }) => name)
  throw new NoSplitError(
    `No folder "${year}" for split "${asked}".${didYouMean(year, years)} There: ${years.join(", ")}`,
  )
}

function foldersWithSplit(folders: readonly VocFolder[], split: string, notices: string[]): VocFolder[] {
  const having = folders.filter((folder) => hasSplit(folder, split))
  if (having.length === 0) throw noSplit(folders, split)
  const named = (some: readonly VocFolder[]) =>
    some.filter((folder) => folder.split === undefined).map(({ name }) => name)
  const lacking = named(folders.filter((folder) => !having.includes(folder)))
  if (lacking.length > 0) notices.push(`${lacking.join(", ")} has no split "${split}" and is left out`)
  if (named(having).length > 0) notices.push(`joined ${named(having).join(" + ")}`)
  return having
}

function readFolder(
  folder: VocFolder,
  prefix: string,
  options: ReadOptions,
  log: FaultLog,
  notices: string[],
): ReadFile[] {
  const links = { within: folder.path, followLinks: options.followLinks }
  const annotations = new FolderFiles(folder.annotations, links)
  const images = new FolderFiles(folder.images, links)
  const place = relative(folder.path, folder.annotations).split(sep).join("/")
  const zeroBased = isZeroBased(folder, annotations, options, notices)
  const seen = new Set<string>()
  const files = idsOf(folder, annotations, images, options, notices).flatMap((id): ReadFile[] => {
    const where = `${prefix}${posix.join(place, id)}.xml`
    expectInside(id, `${prefix}ImageSets/Main/${options.split}.txt`)
    if (seen.has(id)) {
      log.report("duplicate-id", where, `"${id}" is listed twice in "${options.split}"`)
      return []
    }
    seen.add(id)
    const annotation = readAnnotation(annotations, `${id}.xml`, where, log)
    if (annotation === undefined) return []
    // By id, as the VOC kit does: copied annotations often still give the file name of another image.
    const file = (isImageName(id) ? images.find(id, where) : undefined) ?? images.findImage(id, where)
    if (file !== undefined) return [{ id, file, where, annotation, zeroBased }]
    const wanted = posix.join(relative(folder.path, folder.images).split(sep).join("/"), `${id}.jpg`)
    const foreign = images.below().find((name) => withoutEnding(name) === id && isPictureName(name))
    const other = foreign === undefined ? undefined : images.find(foreign, where)
    const told = other === undefined ? undefined : foreignPicture(other)
    if (told !== undefined) log.report("unreadable-image", prefix + foreign!, told)
    else if (log.report("missing-image", where, `${wanted} is missing`) === "kept") {
      return [{ id, file: join(folder.images, `${id}.jpg`), where, annotation, zeroBased }]
    }
    return []
  })
  notices.push(...annotations.notices(), ...images.notices())
  return files
}

/** The names of a split's annotation files, without ending. */
function idsOf(
  folder: VocFolder,
  annotations: FolderFiles,
  images: FolderFiles,
  options: ReadOptions,
  notices: string[],
): string[] {
  const lines = listedLines(folder, options.split)
  if (lines === undefined || (folder.lists !== undefined && isUndivided(folder))) {
    if (folder.split === undefined)
      notices.push(`${folder.name} has no ImageSets/Main with splits: all its images are taken as "${options.split}"`)
  }
  if (lines !== undefined) return lines.map((line) => listedId(line, annotations, images))
  const ids = annotations
    .below()
    .filter((name) => /\.xml$/i.test(name))
    .map(withoutEnding)
  const known = new Set(
    ids.flatMap((id) => [posix.basename(id), withoutEnding(posix.basename(id))].map((name) => name.normalize("NFC"))),
  )
  const bare = images
    .below()
    .filter((name) => isPictureName(name) && !known.has(withoutEnding(posix.basename(name)).normalize("NFC")))
  if (bare.length > 0)
    notices.push(`${folder.name}: ${bare.length} images have no annotation file and are left out, such as ${bare[0]}`)
  return ids
}

/**
 * The annotation that a line of a list means: a name, perhaps in quotes, with a class's flag behind it, an ending or a path.
 * The first of these readings counts of which there is a file: a name may end in " 1".
 */
function listedId(line: string, annotations: FolderFiles, images: FolderFiles): string {
  const plain = line.replace(/^(["'])(.*)\1$/, "$2")
  const bare = withoutFlag(plain)
  const names = [plain, bare, unended(plain), unended(bare)]
  const tails = names.map((name) => basename(name.replaceAll("\\", "/")))
  const readings = [...new Set([...names, ...tails])].filter((name) => !isOutside(name))
  const annotated = readings.find((name) => annotations.has(`${name}.xml`))
  return annotated ?? readings.find((name) => images.hasImage(name)) ?? unended(bare)
}

function isOutside(name: string): boolean {
  try {
    expectInside(name, "")
    return false
  } catch {
    return true
  }
}

const unended = (name: string) => (isPictureName(name) || /\.xml$/i.test(name) ? withoutEnding(name) : name)

/** Looks at the whole folder, so that all its splits are read alike. One file alone may be another tool's. */
function isZeroBased(folder: VocFolder, annotations: FolderFiles, options: ReadOptions, notices: string[]): boolean {
  if (options.corners !== "auto") return options.corners === "zero-based"
  // Parts of objects are other people's, and comments nobody's.
  const besideObjects = /<part>[\s\S]*?<\/part>|<!--[\s\S]*?-->/g
  const zero = /<[xy]min>\s*0+(\.0*)?\s*</
  const files = annotations.below().filter((name) => /\.xml$/i.test(name))
  const signs = files.filter((name) => {
    const path = annotations.find(name, name)
    return path !== undefined && zero.test(latin1(path).replace(besideObjects, ""))
  })
  if (signs.length === 0) return false
  const named = `${posix.join(basename(folder.annotations), signs[0]!)}`
  if (signs.length === 1) {
    notices.push(
      `${folder.name}: ${named} alone has a corner at 0: corners count from 1 as VOC's do; --corners zero-based says otherwise`,
    )
    return false
  }
  notices.push(
    `${folder.name}: corners are taken as 0-based, because ${signs.length} of ${files.length} files have a corner at 0, such as ${named} (VOC counts from 1; --corners one-based says so)`,
  )
  return true
}

function rawObject(file: ReadFile, index: number, labels: ReadonlyMap<string, number>, log: FaultLog): RawObject[] {
  const { name, difficult, corners, problem } = file.annotation.objects[index]!
  if (name === "" || problem !== undefined) {
    log.report("broken-annotation", file.where, name === "" ? "the object has no <name>" : problem!, index)
    return []
  }
  const label = labels.get(name)
  if (label === undefined) {
    const hint = didYouMean(name, [...labels.keys()])
    log.report("unknown-class", file.where, `"${name}" is not among the classes.${hint}`, index)
    return []
  }
  const [xmin, ymin, xmax, ymax] = corners
  const first = file.zeroBased ? 0 : 1
  return [{ index, box: [xmin - first, ymin - first, xmax, ymax], label, difficult, ...emptiness(corners, first) }]
}

/** Why a box has no area. By VOC's counting one of equal corners is a pixel wide. */
function emptiness([xmin, ymin, xmax, ymax]: VocAnnotation["objects"][number]["corners"], first: number) {
  if (xmax > xmin - first && ymax > ymin - first) return {}
  const text = `the corners ${[xmin, ymin, xmax, ymax].join(" ")} enclose no area`
  if (!(xmax < xmin || ymax < ymin)) return { empty: text }
  return { empty: `${text}: the greater ones come first, they are perhaps swapped` }
}

/** A file's letters, byte by byte; none where it is no file, of which its reader tells. */
function latin1(path: string): string {
  try {
    return readRegular(path).toString("latin1")
  } catch (error) {
    if (error instanceof NoFileError) return ""
    throw error
  }
}
