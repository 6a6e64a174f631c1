import { readFileSync } from "node:fs"
import { basename, extname, join, relative, resolve, sep } from "node:path"
import { z } from "zod"
import { DataError } from "../src/core/errors.js"
import { withDefaults } from "../src/core/options.js"
import type { Dataset } from "./dataset.js"
import { circleBox, extentOf } from "./extent.js"
import { FaultLog, withPolicies } from "./faults.js"
import { isFolder, isPictureName, withoutEnding } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type NamedObject, type NamedObjects, namedDataset } from "./named-images.js"
import { type ReadOptions, readDefaults } from "./options.js"
import { pathsOfSplit, type SplitFolder, splitFolders } from "./split-folders.js"
import { readHead, readText } from "./text.js"

const point = z.tuple([z.number(), z.number()]).rest(z.number())
const labelmeFile = z.looseObject({
  shapes: z.array(
    z.looseObject({
      label: z.union([z.string(), z.number().transform(String)]),
      points: z.array(point),
      shape_type: z.string().default("polygon"),
      flags: z.looseObject({ difficult: z.boolean().optional() }).nullish(),
    }),
  ),
  imagePath: z.string(),
  imageData: z.string().nullish(),
  imageWidth: z.number().nullish(),
  imageHeight: z.number().nullish(),
})

/** True for what `readLabelme` reads. */
export function isLabelme(source: string): boolean {
  return isFolder(source) && (holdsLabelme(source) || splitFolders(source, holdsLabelme).length > 0)
}

/** Whether the first of a folder's JSON files is labelme's. */
function holdsLabelme(folder: string): boolean {
  const first = jsonFiles(folder)[0]
  if (first === undefined) return false
  try {
    return /"shapes"\s*:/.test(readHead(join(folder, first)))
  } catch {
    return false
  }
}

const jsonFiles = (folder: string) =>
  new FolderFiles(folder).below().filter((name) => extname(name).toLowerCase() === ".json")

/**
 * Reads labelme's JSON files, one for each image: `<split>/*.json`, or a folder of them that is not divided. A shape counts as
 * its extent; points and lines have none. Where the image is in the JSON file alone, it is taken from there.
 * @throws DataError when the split is missing, or a policy says so
 */
export function readLabelme(source: string, overrides: Partial<ReadOptions> = {}): Dataset {
  const options = withDefaults("readLabelme", readDefaults, overrides)
  const log = new FaultLog(withPolicies(options.policies))
  const root = resolve(source)
  const splits = splitFolders(root, holdsLabelme)
  const folders = splits.length > 0 ? pathsOfSplit(splits, options.split, source) : [root]
  const notices: string[] = []
  const images = folders.flatMap((folder) => readFolder(folder, root, options, splits, log, notices))
  const { split } = options
  return namedDataset(
    images,
    { format: "labelme", source, split, notices, undivided: splits.length === 0 },
    options,
    log,
  )
}

function readFolder(
  folder: string,
  root: string,
  { followLinks }: ReadOptions,
  splits: readonly SplitFolder[],
  log: FaultLog,
  notices: string[],
): NamedObjects[] {
  const files = new FolderFiles(folder, { within: root, followLinks })
  const names = jsonFiles(folder)
  const images = names.flatMap((name): NamedObjects[] => {
    const path = files.find(name, name)
    const where = relative(root, join(folder, name)).split(sep).join("/")
    try {
      return path === undefined ? [] : [readImage(path, name, where, files, log)].flatMap((image) => image ?? [])
    } catch (error) {
      if (error instanceof DataError) throw error
      const reason =
        error instanceof z.ZodError
          ? [error.issues[0]!.path.join("."), error.issues[0]!.message].filter(Boolean).join(": ")
          : (error as Error).message
      log.report("broken-annotation", where, `it is no labelme file: ${reason.replaceAll(/\s+/g, " ")}`)
      return []
    }
  })
  const used = new Set(images.map(({ file }) => file))
  const bare = files.below().filter((name) => isPictureName(name) && !used.has(join(folder, name)))
  if (bare.length > 0) {
    const part = splits.length > 0 ? `${basename(folder)}: ` : ""
    notices.push(`${part}${bare.length} images have no JSON file and are left out, such as ${bare[0]}`)
  }
  notices.push(...files.notices())
  return images
}

function readImage(
  path: string,
  name: string,
  where: string,
  files: FolderFiles,
  log: FaultLog,
): NamedObjects | undefined {
  const content = labelmeFile.parse(JSON.parse(readText(path)))
  const { imagePath, imageData, imageWidth, imageHeight } = content
  const objects = content.shapes.flatMap((shape, index): NamedObject[] => {
    const box = boxOf(shape.shape_type, shape.points as [number, number][])
    if (box !== undefined) return [{ index, name: shape.label, box, difficult: shape.flags?.difficult ?? false }]
    log.report(
      "broken-annotation",
      where,
      `a ${shape.shape_type} of ${shape.points.length} points has no extent`,
      index,
    )
    return []
  })
  const size = { width: imageWidth ?? 0, height: imageHeight ?? 0 }
  const near = files.findImage(withoutEnding(name), where)
  const file = near ?? findQuietly(files, imagePath, where)
  const common = { id: withoutEnding(name), ...size, where, objects }
  if (file !== undefined) return { ...common, file }
  if (imageData) {
    const image = () => Buffer.from(labelmeFile.parse(JSON.parse(readFileSync(path, "utf8"))).imageData!, "base64")
    return { ...common, file: path, image }
  }
  const isKept = log.report("missing-image", where, `${imagePath} is missing`) === "kept"
  return isKept ? { ...common, file: join(files.root, basename(imagePath)) } : undefined
}

/** The path is often one of another machine: then the image is just missing. */
function findQuietly(files: FolderFiles, name: string, where: string): string | undefined {
  try {
    return files.find(name, where)
  } catch (error) {
    if (error instanceof DataError && error.message.includes("file name")) return undefined
    throw error
  }
}

function boxOf(kind: string, points: readonly [number, number][]): NamedObject["box"] | undefined {
  if (kind === "circle") {
    const [centre, edge] = points
    return centre && edge && circleBox(centre, Math.hypot(edge[0] - centre[0], edge[1] - centre[1]))
  }
  const isArea =
    kind === "rectangle" ? points.length >= 2 : ["polygon", "rotation", "mask"].includes(kind) && points.length >= 2
  return isArea ? extentOf(points) : undefined
}
