import { readdirSync } from "node:fs"
import { basename, dirname, extname, join, resolve } from "node:path"
import { z } from "zod"
import { DataError } from "../src/core/errors.js"
import { parseYaml } from "../src/core/plain-data.js"
import { isFile, isFolder } from "./folder.js"
import { readLines, readText } from "./text.js"

/** What a `data.yaml`, or darknet's `obj.data`, says. */
export interface YoloSettings {
  /** The file itself. */
  readonly file: string
  /** The folder that paths are relative to. */
  readonly root: string
  /** Class names by their numbers. */
  readonly names: readonly string[]
  /** Folders, lists or patterns of a split. */
  readonly places: ReadonlyMap<string, readonly string[]>
  /** Numbers of a pose label behind its box. */
  readonly keypoints: number | undefined
  readonly notices: readonly string[]
}

/** Of a data set without names; no data set has half as many. @source ours */
const mostClasses = 100_000

const places = z.union([z.string(), z.array(z.string())]).nullish()
// Read as text: a class `no`, `007` or `1e3` is called so.
const yoloYaml = z.looseObject({
  path: z.string().nullish(),
  train: places,
  val: places,
  valid: places,
  test: places,
  nc: z.coerce.number().int().min(1).max(mostClasses).optional(),
  names: z
    .union([z.string(), z.array(z.string()), z.record(z.string(), z.string())], "expected a list of class names")
    .nullish(),
  kpt_shape: z.array(z.coerce.number()).nullish(),
})

type YoloYaml = z.infer<typeof yoloYaml>

/**
 * The settings file of a YOLO data set: the source itself, or `data.yaml`, else the only other yaml file in the folder (or in
 * one below) that names splits and classes, else `obj.data`.
 */
export function findYoloSettings(source: string, where: "here" | "below" = "below"): string | undefined {
  if (isFile(source)) return /\.(ya?ml|data)$/i.test(source) ? source : undefined
  if (!isFolder(source)) return undefined
  for (const name of ["data.yaml", "data.yml"]) if (isFile(join(source, name))) return join(source, name)
  for (const folder of [source, ...(where === "here" ? [] : foldersIn(source))]) {
    const names = readdirSync(folder).filter((name) => /\.ya?ml$/i.test(name) && isDataYaml(join(folder, name)))
    if (names.length === 1) return join(folder, names[0]!)
    if (names.length > 1) {
      throw new DataError(
        `${folder}: several YOLO yaml files: ${names.sort().join(", ")}. Name one of them as the data`,
      )
    }
  }
  const darknet = join(source, "obj.data")
  return isFile(darknet) ? darknet : undefined
}

/** @throws DataError for a file that is none */
export function readYoloSettings(file: string): YoloSettings {
  if (!isFile(file)) throw new DataError(`No file ${file}`)
  return extname(file) === ".data" ? readDarknet(file) : readYaml(file)
}

function foldersIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name))
    .sort()
}

function isDataYaml(file: string): boolean {
  try {
    const content: unknown = parseFile(file)
    if (typeof content !== "object" || content === null) return false
    return ("names" in content || "nc" in content) && ["train", "val", "valid", "test"].some((key) => key in content)
  } catch {
    return false
  }
}

const parseFile = (file: string): unknown => parseYaml(readText(file), { scalars: "texts" })

function readYaml(file: string): YoloSettings {
  const notices: string[] = []
  const yaml = checked(file)
  const { root, notice } = rootOf(file, yaml)
  if (notice !== undefined) notices.push(notice)
  const names = namesOf(yaml, file, notices)
  const given = new Map<string, string[]>()
  for (const key of Object.keys(yaml)) {
    const value = places.safeParse(yaml[key])
    const listed = value.success
      ? [value.data ?? []]
          .flat()
          .map((place) => place.trim())
          .filter((place) => place !== "")
      : []
    if (listed.length > 0) given.set(key, listed)
  }
  const valid = given.get("val") ?? given.get("valid")
  if (valid !== undefined) given.set("val", valid)
  const { kpt_shape: shape } = yaml
  const keypoints = shape?.length === 2 ? shape[0]! * shape[1]! : undefined
  return { file, root, names, places: given, keypoints, notices }
}

function checked(file: string): YoloYaml {
  try {
    return yoloYaml.parse(parseFile(file))
  } catch (error) {
    const reason = error instanceof z.ZodError ? error.issues[0]! : undefined
    const text = reason
      ? [reason.path.join("."), reason.message].filter(Boolean).join(": ")
      : (error as Error).message.split("\n")[0]
    throw new DataError(`${file}: not a YOLO data.yaml: ${text}`)
  }
}

/** The yaml's own folder where its `path` is one of another machine. */
function rootOf(file: string, { path }: YoloYaml): { root: string; notice?: string } {
  const here = dirname(resolve(file))
  if (!path) return { root: here }
  const root = resolve(here, path.replaceAll("\\", "/"))
  if (isFolder(root)) return { root }
  return {
    root: here,
    notice: `${basename(file)}: there is no folder ${root}, its "path": paths are taken from ${here}`,
  }
}

function namesOf({ names, nc }: YoloYaml, file: string, notices: string[]): string[] {
  if (names === undefined || names === null || names === "") {
    if (nc === undefined) throw new DataError(`${file}: not a YOLO data.yaml: names: expected a list of class names`)
    notices.push(`${basename(file)} has no names: the ${nc} classes are called class_0, class_1, ...`)
    return Array.from({ length: nc }, (_, number) => `class_${number}`)
  }
  const list = typeof names === "string" ? [names] : Array.isArray(names) ? names : namesByNumber(names, file)
  if (nc !== undefined && nc !== list.length) {
    notices.push(`${basename(file)}: nc is ${nc}, but there are ${list.length} names: the names count`)
  }
  const twice = list.filter((name, number) => list.indexOf(name) < number)
  if (twice.length > 0) {
    notices.push(
      `${basename(file)} names ${[...new Set(twice)].map((name) => `"${name}"`).join(", ")} twice: they are one class`,
    )
  }
  return list
}

function namesByNumber(names: Readonly<Record<string, string>>, file: string): string[] {
  const count = Object.keys(names).length
  return Array.from({ length: count }, (_, number) => {
    const name = names[number]
    if (name !== undefined) return name
    const hint = number === 0 ? "Class numbers begin at 0" : `Give class ${number} a name`
    throw new DataError(`${file}: names: expected the numbers 0..${count - 1}, ${number} is missing. ${hint}`)
  })
}

/** Darknet's `key = value` lines; paths are often those of the folder in which darknet ran. */
function readDarknet(file: string): YoloSettings {
  const values = new Map<string, string>()
  for (const line of readLines(file)) {
    const at = line.indexOf("=")
    if (at > 0) values.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  const root = dirname(resolve(file))
  const named = values.get("names") ?? "obj.names"
  const nearest = [named, basename(named.replaceAll("\\", "/"))].map((name) => join(root, name)).find(isFile)
  if (nearest === undefined) throw new DataError(`${file}: there is no file ${named} with the names of the classes`)
  const given = new Map<string, string[]>()
  for (const [key, split] of [
    ["train", "train"],
    ["valid", "val"],
    ["val", "val"],
    ["test", "test"],
  ] as const) {
    const place = values.get(key)
    if (place) given.set(split, [place])
  }
  return { file, root, names: readLines(nearest), places: given, keypoints: undefined, notices: [] }
}
