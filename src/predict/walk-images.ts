import { type Dirent, existsSync, opendirSync, realpathSync, statSync } from "node:fs"
import { basename, extname, join } from "node:path"
import { imageEndings } from "../../datasets/folder.js"
import { isImageName, type SourceImage } from "./source-image.js"
import { uniqueStems } from "./unique-stems.js"

/** So many names of one folder are put in order; a larger folder is read as the file system gives it. */
const sortedAtMost = 100_000

/**
 * The images below a folder, in the order of their names, the folder's own before those of its sub-folders. A folder of very many
 * names is read as it comes, so that the first image is there at once and memory does not grow with it.
 */
export async function* walkImages(
  root: string,
  most: number = sortedAtMost,
  inner = "",
  above: readonly string[] = [],
): AsyncGenerator<SourceImage> {
  const folder = join(root, inner)
  const real = realpathSync(folder)
  // A link to a folder above would never end.
  if (above.includes(real)) return
  const entries = namesOf(folder)
  const files: string[] = []
  const folders: string[] = []
  const image = (name: string, stem: string): SourceImage => {
    return { file: join(folder, name), path: inner + name, stem: inner + stem }
  }
  let isLarge = false
  for (const { name, isFolder } of entries) {
    if (isFolder) folders.push(name)
    else if (isLarge) yield image(name, stemBeside(folder, name))
    else if (files.push(name) > most) {
      isLarge = true
      for (const earlier of files) yield image(earlier, stemBeside(folder, earlier))
    }
  }
  if (!isLarge) {
    files.sort()
    const stems = uniqueStems(files)
    for (const [i, name] of files.entries()) yield image(name, stems[i]!)
  }
  for (const name of folders.sort()) yield* walkImages(root, most, `${inner}${name}/`, [...above, real])
}

/** How many images there are below a folder, if they can be counted by a glance; at most `most`, else undefined. */
export function countImages(root: string, most: number, isWanted: (file: string) => boolean): number | undefined {
  let left = most
  let count = 0
  const walk = (folder: string, above: readonly string[]): boolean => {
    const real = realpathSync(folder)
    if (above.includes(real)) return true
    const folders: string[] = []
    for (const { name, isFolder } of namesOf(folder)) {
      if (left-- === 0) return false
      const path = join(folder, name)
      if (isFolder) folders.push(path)
      else if (isWanted(path)) count++
    }
    return folders.every((inner) => walk(inner, [...above, real]))
  }
  return walk(root, []) ? count : undefined
}

/** The images and folders in a folder, as the file system gives them. */
function* namesOf(folder: string): Generator<{ readonly name: string; readonly isFolder: boolean }> {
  const handle = opendirSync(folder, { bufferSize: 256 })
  try {
    for (let entry = handle.readSync(); entry !== null; entry = handle.readSync()) {
      if (isFolderEntry(folder, entry)) yield { name: entry.name, isFolder: true }
      else if (isImageName(entry.name)) yield { name: entry.name, isFolder: false }
    }
  } finally {
    handle.closeSync()
  }
}

/** A link that leads nowhere is kept as a file: it is then reported as unreadable. */
function isFolderEntry(folder: string, entry: Dirent): boolean {
  const what = entry.isSymbolicLink() ? statSync(join(folder, entry.name), { throwIfNoEntry: false }) : entry
  return what?.isDirectory() ?? false
}

/** The name that `uniqueStems` gives, by looking for the files that would need it too. */
function stemBeside(folder: string, name: string): string {
  const ending = extname(name)
  const stem = basename(name, ending)
  const others = imageEndings.flatMap((other) => [other, other.toUpperCase()]).filter((other) => other !== ending)
  const isTaken = isImageName(stem) ? existsSync(join(folder, stem)) : false
  return isTaken || others.some((other) => existsSync(join(folder, stem + other))) ? name : stem
}
