import { type Dirent, readdirSync } from "node:fs"
import { join } from "node:path"
import { isFolder, isPictureName } from "./folder.js"
import { isImageFolder } from "./image-folder.js"

/** So many entries of a folder are looked at, and folders two deep. */
const [mostEntries, depth] = [2000, 2]

/** What lies in a folder that no reader knows, and which layout is the nearest to it; for the error that says so. */
export function nearestLayout(source: string): string {
  const found = { pictures: 0, xml: 0, txt: 0, json: 0, csv: 0 }
  count(source, depth, found)
  const seen = Object.entries(found).filter(([, number]) => number > 0)
  if (seen.length === 0) return "It holds no pictures and no annotations"
  const text = seen.map(([kind, number]) => `${number} ${kind === "pictures" ? kind : `.${kind} files`}`).join(", ")
  return `It holds ${text}. ${isByClass(source, found) ? byClass : cure(found)}`
}

const byClass = "They lie in a folder for each class: `classify train` takes them"

/** Whether there is nothing but pictures, which lie in two folders or more. */
function isByClass(source: string, { pictures, ...others }: Readonly<Record<"pictures", number>>): boolean {
  const isAlone = pictures > 0 && Object.values(others).every((number) => number === 0)
  return (
    isAlone && isImageFolder(source) && readdirSync(source).filter((name) => isFolder(join(source, name))).length > 1
  )
}

function cure({
  pictures,
  xml,
  txt,
  json,
  csv,
}: Readonly<Record<"pictures" | "xml" | "txt" | "json" | "csv", number>>): string {
  if (xml > 0) return "Nearest is VOC: put the XML files into Annotations/ and the pictures into JPEGImages/"
  if (txt > 0 && pictures > 0)
    return 'Nearest is YOLO: add a data.yaml with "train: <folder of the pictures>" and "names: [...]"'
  if (json > 0)
    return "Nearest is COCO: one JSON file with images, annotations and categories in annotations/, or name it as the data"
  if (csv > 0) return "Nearest is CSV: train.csv with the columns path, x1, y1, x2, y2 and class"
  return "There are no annotations: pictures alone are for detect"
}

function count(folder: string, left: number, found: Record<"pictures" | "xml" | "txt" | "json" | "csv", number>): void {
  if (!isFolder(folder)) return
  const entries: Dirent[] = readdirSync(folder, { withFileTypes: true }).slice(0, mostEntries)
  for (const { name } of entries.filter((entry) => entry.isFile())) {
    const kind = isPictureName(name) ? "pictures" : /\.(xml|txt|json|csv)$/i.exec(name)?.[1]?.toLowerCase()
    if (kind !== undefined) found[kind as keyof typeof found]++
  }
  if (left === 0) return
  for (const entry of entries.filter((one) => one.isDirectory())) count(join(folder, entry.name), left - 1, found)
}
