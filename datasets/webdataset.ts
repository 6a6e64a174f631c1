import { basename, dirname } from "node:path"
import { DataError } from "../src/core/errors.js"
import { parseJson } from "../src/core/plain-data.js"
import { shown } from "../src/core/shown.js"
import { FaultLog } from "./faults.js"
import { imageEndings } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type LabelledPhoto, type LabelledPhotos, labelledPhotos } from "./labelled-photos.js"
import { type LabelledOptions, labelledDefaults } from "./labelled-set.js"
import { shardFiles } from "./shard-files.js"
import { type ArchiveBytes, withArchive } from "./tar/bytes.js"
import { type TarEntry, tarEntries } from "./tar/entries.js"
import { readLines } from "./text.js"

/** What tells the class of a sample, the first one there is. @source WebDataset's own ImageNet shards; img2dataset */
const labelEndings = ["cls", "cls.txt", "json"] as const
/** Fields of a JSON file with it, likewise. */
const labelFields = ["label", "cls", "class"] as const
/** Lists of the classes' names beside the archives. @source CLIP benchmark's shards; ours */
const classLists = ["classes.txt", "classnames.txt"] as const

/** Of a class's file; a JSON file of a caption and an address has some thousand bytes. */
const mostText = 1 << 20
/** Numbers of classes. ImageNet-21k has 21,841. */
const mostClasses = 100_000

/** A class as it stands in the archive: its number from 0, or its name. */
type Said = number | string

interface Sample {
  readonly key: string
  readonly image: TarEntry
  readonly said: Said
}

/**
 * Reads tar shards as WebDataset names their files: an image and its class (`key.jpg`, `key.cls` or `key.json`) follow each other.
 * Nothing is unpacked: one pass over the headers tells where the images lie.
 * @param source an archive, a pattern such as `shard-{000000..000009}.tar`, or a folder with archives
 * @throws DataError for an archive that is broken, classes that are names here and numbers there, or numbers that `classes` do not reach
 */
export function readWebDataset(source: string, overrides: Partial<LabelledOptions> = {}): LabelledPhotos {
  const { split, classes: wanted, followLinks } = { ...labelledDefaults, ...overrides }
  const found = shardFiles(source, split, followLinks)
  const log = new FaultLog()
  const names = archiveNames(found.files)
  const parts = found.files.map((archive, n) => ({
    archive,
    name: names[n]!,
    samples: samplesOf(archive, names[n]!, log),
  }))
  const all = parts.flatMap(({ samples }) => samples)
  if (all.length === 0) throw new DataError(`${source}: no image with a class in ${found.files.length} archives`)
  const { classes, notice } = classesOf(all, wanted ?? listed(found.folders), source)
  const places = new Map(classes.map((name, label) => [name, label]))
  const shards: number[] = []
  const images: LabelledPhoto[] = []
  for (const { archive, name: own, samples } of parts) {
    shards.push(images.length)
    for (const { key, image, said } of samples) {
      const label = typeof said === "number" ? said : places.get(said)
      const name = `${own}/${image.name}`
      if (label !== undefined) images.push({ name, label, file: archive, part: image })
      else log.report("unknown-class", `${own}/${key}`, `the class "${said}" is not among those asked for`)
    }
  }
  const notices = notice === undefined ? [] : [notice]
  return labelledPhotos({ format: "webdataset", source, split: found.split, classes, shards, notices }, images, log)
}

/** What archives are called: by their folders too where two have one name. */
function archiveNames(files: readonly string[]): string[] {
  const names = files.map((file) => basename(file))
  if (new Set(names).size === names.length) return names
  return files.map((file) => `${basename(dirname(file))}/${basename(file)}`)
}

/** The samples of an archive that have an image and a class. */
function samplesOf(archive: string, name: string, log: FaultLog): Sample[] {
  return withArchive(archive, (bytes) => {
    const samples: Sample[] = []
    const keys = new Set<string>()
    let others = 0
    for (const [key, files] of grouped(tarEntries(bytes, undefined, () => others++))) {
      const image = imageEndings.map((ending) => files.get(ending.slice(1))).find((one) => one !== undefined)
      const where = `${name}/${key}`
      const text = labelEndings.find((ending) => files.has(ending))
      if (image === undefined) {
        if (text !== undefined) log.report("missing-image", where, "a class, and no image of a kind that is decoded")
      } else if (keys.has(key)) log.report("duplicate-id", where, "the key is in the archive twice")
      else if (text === undefined)
        log.report("broken-annotation", where, `no class: expected ${key}.cls or ${key}.json`)
      else {
        keys.add(key)
        const said = saidIn(bytes, files.get(text)!, text, where, log)
        if (said !== undefined) samples.push({ key, image, said })
      }
    }
    if (others > 0) log.report("unreadable-image", name, `${others} links or devices, which are not followed`)
    return samples
  })
}

/** Files that follow each other and have one key: their path up to the first point of the name. @source WebDataset, `tariterators.py` */
function* grouped(entries: Iterable<TarEntry>): Generator<[key: string, files: Map<string, TarEntry>]> {
  let [key, files]: [string | undefined, Map<string, TarEntry>] = [undefined, new Map()]
  for (const entry of entries) {
    const parts = /^((?:.*\/)?[^/.]+)\.([^/]*)$/s.exec(entry.name)
    // Hidden files, and names without an ending.
    if (parts === null) continue
    const [own, ending] = [parts[1]!, parts[2]!.toLowerCase()]
    if (own !== key || files.has(ending)) {
      if (key !== undefined) yield [key, files]
      ;[key, files] = [own, new Map()]
    }
    files.set(ending, entry)
  }
  if (key !== undefined) yield [key, files]
}

/** The class that a sample's file says; undefined where it says none. */
function saidIn(
  bytes: ArchiveBytes,
  { at, size }: TarEntry,
  ending: (typeof labelEndings)[number],
  where: string,
  log: FaultLog,
): Said | undefined {
  const fault = (what: string) => {
    log.report("broken-annotation", where, what)
    return undefined
  }
  if (size > mostText) return fault(`a class of ${size} bytes`)
  const text = bytes.read(at, size).toString("utf8").trim()
  const value = ending === "json" ? fieldOf(text) : /^\d+$/.test(text) ? Number(text) : text
  if (typeof value === "string" && value !== "") return value
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < mostClasses) return value
  return fault(
    `expected the number or name of a class${ending === "json" ? ` as ${labelFields.join(", ")}` : ""}, got "${shown(text)}"`,
  )
}

function fieldOf(text: string): unknown {
  try {
    const fields = parseJson(text) as Readonly<Record<string, unknown>> | null
    return labelFields.map((field) => fields?.[field]).find((value) => value !== undefined && value !== null)
  } catch {
    return undefined
  }
}

/** The names in a list beside the archives. */
function listed(folders: readonly string[]): readonly string[] | null {
  for (const folder of folders) {
    const files = new FolderFiles(folder)
    const name = classLists.find((one) => files.has(one))
    const path = name && files.find(name, folder)
    if (path !== undefined) return readLines(path)
  }
  return null
}

function classesOf(
  samples: readonly Sample[],
  known: readonly string[] | null,
  source: string,
): { readonly classes: readonly string[]; readonly notice?: string } {
  const named = samples.find(({ said }) => typeof said === "string")
  const numbered = samples.find(({ said }) => typeof said === "number")
  if (named !== undefined && numbered !== undefined) {
    throw new DataError(
      `${source}: the class of ${shown(named.key)} is a name, that of ${shown(numbered.key)} a number`,
    )
  }
  if (named !== undefined) return { classes: known ?? [...new Set(samples.map(({ said }) => String(said)))].sort() }
  const most = samples.reduce((so, { said }) => Math.max(so, said as number), 0)
  if (known === null) {
    const notice = `${source}: no names of classes (${classLists.join(" or ")} beside the archives): they are 0 to ${most}`
    return { classes: Array.from({ length: most + 1 }, (_, label) => String(label)), notice }
  }
  if (most < known.length) return { classes: known }
  throw new DataError(
    `${source}: a class has the number ${most}, and there are ${known.length} classes, counted from 0`,
  )
}
