import { readFileSync } from "node:fs"
import { join } from "node:path"
import { DataError } from "../src/core/errors.js"
import { NoSplitError } from "./faults.js"
import { isFolder } from "./folder.js"
import { FolderFiles } from "./folder-files.js"
import { type LabelledOptions, type LabelledSet, labelledDefaults } from "./labelled-set.js"

/** A classification set that is in memory as a whole. */
export interface CifarSet extends LabelledSet {
  readonly format: "cifar10"
  /** `[N, side, side, 3]` RGB, 0..255. */
  readonly pixels: Uint8Array
  readonly side: number
}

/** @source the CIFAR-10 page: a byte of label, then 32 x 32 bytes each of red, green and blue, row by row */
const SIDE = 32
const PLANE = SIDE * SIDE
const RECORD = 1 + 3 * PLANE

const trainingFile = /^data_batch_\d+\.bin$/
const testFile = "test_batch.bin"
const namesFile = "batches.meta.txt"

/** Whether a folder holds CIFAR-10's binary files. */
export function isCifar(source: string): boolean {
  return (
    isFolder(source) && new FolderFiles(source).names().some((name) => name === testFile || trainingFile.test(name))
  )
}

/**
 * Reads CIFAR-10's binary files: `data_batch_*.bin` are the split `train`, `test_batch.bin` is `val` or `test`.
 * @throws DataError for a file whose length is no whole number of records, a label without a name, a class not in `classes`
 */
export function readCifar(source: string, overrides: Partial<LabelledOptions> = {}): CifarSet {
  const { split, classes: wanted } = { ...labelledDefaults, ...overrides }
  const files = filesOf(source, split)
  const named = readNames(source)
  const classes = wanted ?? named
  const numbers = named.map((name) => classes.indexOf(name))
  const parts = files.map((file) => ({ file, bytes: readRecords(join(source, file)) }))
  const count = parts.reduce((sum, { bytes }) => sum + bytes.length / RECORD, 0)
  const pixels = new Uint8Array(count * 3 * PLANE)
  const labels = new Int32Array(count)
  const names: string[] = []
  for (const { file, bytes } of parts) {
    for (let record = 0; record < bytes.length / RECORD; record++) {
      const n = names.length
      const at = record * RECORD
      const label = numbers[bytes[at]!]
      const where = `${join(source, file)}: record ${record}`
      if (label === undefined)
        throw new DataError(`${where}: expected a label of 0..${named.length - 1}, got ${bytes[at]}`)
      if (label < 0) {
        throw new DataError(
          `${where}: the class "${named[bytes[at]!]}" is not among those asked for: ${classes.join(", ")}`,
        )
      }
      labels[n] = label
      interleave(bytes, at + 1, pixels, n * 3 * PLANE)
      names.push(`${file}:${record}`)
    }
  }
  return {
    format: "cifar10",
    source,
    split,
    classes,
    labels,
    pixels,
    side: SIDE,
    faults: [],
    name: (index) => names[index]!,
    image: async (index) => ({
      data: pixels.slice(index * 3 * PLANE, (index + 1) * 3 * PLANE),
      height: SIDE,
      width: SIDE,
    }),
  }
}

function filesOf(source: string, split: string): string[] {
  const names = new FolderFiles(source).names()
  const training = names.filter((name) => trainingFile.test(name))
  const test = names.filter((name) => name === testFile)
  if (split !== "train" && split !== "val" && split !== "test") {
    throw new NoSplitError(`${source}: CIFAR-10 has the splits train and test, not "${split}"`)
  }
  const files = split === "train" ? training : test
  const expected = split === "train" ? "data_batch_1.bin, ..." : testFile
  if (files.length === 0) throw new NoSplitError(`${source}: no split ${split}: expected ${expected} there`)
  return files
}

function readNames(source: string): string[] {
  const path = join(source, namesFile)
  const names = readBytes(path)
    .toString("utf8")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
  if (names.length === 0)
    throw new DataError(`${path}: expected the names of the classes, one a line, got an empty file`)
  return names
}

function readRecords(path: string): Uint8Array {
  const bytes = readBytes(path)
  if (bytes.length === 0 || bytes.length % RECORD !== 0) {
    throw new DataError(
      `${path}: expected records of ${RECORD} bytes (label + 32x32 RGB), got ${bytes.length} bytes. ` +
        "The file is truncated or of another format",
    )
  }
  return bytes
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new DataError(`${path}: cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** Three planes to RGB pixels. */
function interleave(from: Uint8Array, start: number, to: Uint8Array, offset: number): void {
  for (let i = 0; i < PLANE; i++) {
    const at = offset + 3 * i
    to[at] = from[start + i]!
    to[at + 1] = from[start + PLANE + i]!
    to[at + 2] = from[start + 2 * PLANE + i]!
  }
}
