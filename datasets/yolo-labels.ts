import { basename, dirname, join, relative, sep } from "node:path"
import { didYouMean } from "../src/core/suggest.js"
import { numberOfText } from "../src/json/quoted-number.js"
import type { FaultLog } from "./faults.js"
import { isFile, withoutEnding } from "./folder.js"
import type { RawObject } from "./record.js"
import { readText } from "./text.js"

/** A line of a label file. */
interface LabelLine {
  readonly index: number
  readonly text: string
  readonly number: number
  /** What stands behind the class. */
  readonly values: readonly number[]
}

/** The label file of an image. */
export interface LabelFile {
  readonly path: string
  readonly lines: readonly LabelLine[]
}

/**
 * Where label files may lie, the usual place first: `labels` for the last folder `images` below the root, then beside the
 * folder, beside the image, and in a folder `labels` or `<folder>_labels` of the root.
 */
export function labelPlaces(image: string, place: string, root: string): string[] {
  const inRoot = `${withoutEnding(relative(root, image))}.txt`.split(sep)
  const inPlace = `${withoutEnding(relative(place, image))}.txt`
  const at = inRoot.slice(0, -1).findLastIndex((part) => part.toLowerCase() === "images")
  const swapped = (name: string) => join(root, ...inRoot.map((part, i) => (i === at ? name : part)))
  const name = inRoot[at]
  const likeIt = name === "IMAGES" ? "LABELS" : name?.startsWith("I") ? "Labels" : "labels"
  return [
    ...(at >= 0 ? [swapped(likeIt), swapped("labels"), swapped("Labels")] : []),
    `${withoutEnding(image)}.txt`,
    join(dirname(place), "labels", inPlace),
    join(dirname(image), "..", "labels", `${withoutEnding(basename(image))}.txt`),
    join(root, "labels", ...inRoot),
    join(`${place}_labels`, inPlace),
  ]
}

/** The first of the places that has the file; sets are usually alike in this, so the place of the last one is tried first. */
export class LabelFinder {
  #last = 0

  find(places: readonly string[]): string | undefined {
    const order = [this.#last, ...places.keys()].filter((i) => i < places.length)
    const at = order.find((i) => isFile(places[i]!))
    if (at === undefined) return undefined
    this.#last = at
    return places[at]
  }
}

/** @throws Error for an encoding that is not known */
export function readLabelFile(path: string): LabelFile {
  const lines = readText(path).split(/\r\n|\n|\r/)
  return {
    path,
    lines: lines.flatMap((line, index) => {
      const text = line.trim()
      if (text === "" || text.startsWith("#")) return []
      const [first, ...rest] = text.split(/[\s,;]+/)
      return [{ index, text, number: numberOfText(first!), values: rest.map(numberOfText) }]
    }),
  }
}

/** How the lines of a data set are to be read. */
export interface LabelRule {
  /** Numbers behind the box of a pose label; undefined where there are none. */
  readonly keypoints: number | undefined
}

/**
 * Tells pose labels from polygons: by `kpt_shape`, by a count that no polygon has, or where all lines have one count and
 * all points lie in the boxes that their first four numbers make.
 */
export function labelRule(files: readonly LabelFile[], keypoints: number | undefined): LabelRule {
  if (keypoints !== undefined) return { keypoints }
  const counts = new Set<number>()
  let isPose = true
  for (const { lines } of files) {
    for (const { values } of lines) {
      if (values.length <= 5) continue
      counts.add(values.length)
      if (counts.size > 1) return { keypoints: undefined }
      isPose &&= pointsInBox(values)
    }
  }
  const [count] = counts
  if (count === undefined || !isPose) return { keypoints: undefined }
  return { keypoints: count - 4 }
}

function pointsInBox(values: readonly number[]): boolean {
  const [cx, cy, w, h] = values as [number, number, number, number]
  const rest = values.slice(4)
  const isIn = (x: number, y: number) =>
    (x === 0 && y === 0) || (Math.abs(x - cx) <= w / 2 + 0.01 && Math.abs(y - cy) <= h / 2 + 0.01)
  const all = (step: 2 | 3) => {
    if (rest.length % step !== 0) return false
    for (let i = 0; i < rest.length; i += step) {
      if (!isIn(rest[i]!, rest[i + 1]!)) return false
      if (step === 3 && ![0, 1, 2].includes(rest[i + 2]!)) return false
    }
    return true
  }
  return all(2) || all(3)
}

export interface LabelContext extends LabelRule {
  readonly size: { readonly width: number; readonly height: number }
  readonly names: readonly string[]
  readonly labels: ReadonlyMap<string, number>
  /** The label file, as faults name it. */
  readonly where: string
  readonly log: FaultLog
}

/** Whether a line has one number behind its box: the score of a detector that made the label. */
export const hasScore = ({ values }: Pick<LabelLine, "values">): boolean => values.length === 5

/**
 * The object of a line: `class cx cy w h` in parts of the image, with a score or keypoints behind it, or a polygon, whose extent
 * counts.
 */
export function parseLabel({ index, text, number, values }: LabelLine, context: LabelContext): RawObject[] {
  const { size, names, labels, where, log, keypoints } = context
  const broken = (why: string) => {
    log.report("broken-annotation", where, `"${text.slice(0, 60)}" ${why}`, index)
    return []
  }
  const isBox =
    values.length === 4 || hasScore({ values }) || (keypoints !== undefined && values.length === 4 + keypoints)
  const isPolygon = !isBox && values.length >= 6 && values.length % 2 === 0
  if (Number.isNaN(number)) {
    const first = text.split(/[\s,;]+/)[0]!
    return broken(
      names.includes(first)
        ? `begins with the class's name: expected its number, ${names.indexOf(first)}`
        : 'is not "class cx cy w h"',
    )
  }
  if (!values.every(Number.isFinite) || !(isBox || isPolygon)) return broken('is not "class cx cy w h"')
  if (values.slice(0, isBox ? 4 : undefined).some((value) => Math.abs(value) > 2)) {
    return broken("has numbers beyond 1, perhaps pixels: expected parts of the image, 0..1")
  }
  const name = Number.isInteger(number) ? names[number] : undefined
  if (name === undefined) {
    log.report("unknown-id", where, `class ${number} does not exist: the names go from 0 to ${names.length - 1}`, index)
    return []
  }
  const label = labels.get(name)
  if (label === undefined) {
    log.report(
      "unknown-class",
      where,
      `"${name}" is not among the classes.${didYouMean(name, [...labels.keys()])}`,
      index,
    )
    return []
  }
  const [x1, y1, x2, y2] = isPolygon ? extent(values) : fromCentre(values)
  const { width, height } = size
  return [{ index, label, box: [x1 * width, y1 * height, x2 * width, y2 * height] }]
}

function fromCentre(values: readonly number[]): [number, number, number, number] {
  const [cx, cy, w, h] = values as [number, number, number, number]
  return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]
}

function extent(values: readonly number[]): [number, number, number, number] {
  const xs = values.filter((_, i) => i % 2 === 0)
  const ys = values.filter((_, i) => i % 2 === 1)
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]
}
