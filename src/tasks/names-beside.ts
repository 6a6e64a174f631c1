import { existsSync } from "node:fs"
import { join } from "node:path"
import { readYoloSettings } from "../../datasets/yolo-settings.js"
import { holdsBoxes } from "../eval/text-files.js"
import { readNames } from "./class-names.js"
import { findRecord } from "./detection-record.js"

/** Names of classes, and the file that has them. */
export interface ClassList {
  readonly names: readonly string[]
  readonly file: string
}

/**
 * What the numbers of the classes in a folder's text files mean, where a file in it or in the folder above says so: `classes.txt` with
 * a name a line, a `data.yaml`, or what `detect` has recorded.
 */
export function namesBeside(folder: string): ClassList | undefined {
  for (const place of [folder, join(folder, "..")]) {
    const [list, settings] = ["classes.txt", "data.yaml"].map((name) => join(place, name)) as [string, string]
    const names = existsSync(list) ? readNames(list) : undefined
    // It may be the file of an image of that name.
    if (names !== undefined && !holdsBoxes(names.join("\n"))) return { names, file: list }
    const record = findRecord(place)
    if (record !== undefined) return { names: record.classes, file: place }
    if (existsSync(settings)) return { names: readYoloSettings(settings).names, file: settings }
  }
  return undefined
}
