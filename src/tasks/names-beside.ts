import { existsSync } from "node:fs"
import { join } from "node:path"
import { findYoloSettings, readYoloSettings } from "../../datasets/yolo-settings.js"
import { readNames } from "./class-names.js"
import { hasRecord, readRecord } from "./detection-record.js"

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
    const list = join(place, "classes.txt")
    if (existsSync(list)) return { names: readNames(list), file: list }
    if (hasRecord(place)) return { names: readRecord(place).classes, file: place }
    const settings = findYoloSettings(place, "here")
    if (settings !== undefined) return { names: readYoloSettings(settings).names, file: settings }
  }
  return undefined
}
