import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { PNG } from "pngjs"
import { onTestFinished } from "vitest"
import type { Random } from "../../src/core/random.js"

/** A folder that is gone when the test is over. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "resdet-data-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes files by their paths below `folder`. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

/** A PNG of one colour. */
export function png(width: number, height: number, colour: readonly [number, number, number] = [10, 20, 30]): Buffer {
  const image = new PNG({ width, height })
  for (let i = 0; i < width * height; i++) image.data.set([...colour, 255], 4 * i)
  return PNG.sync.write(image)
}

/** A PNG of tiles in drawn colours, with noise on them. */
export function tiledPng(width: number, height: number, random: Random): Buffer {
  const image = new PNG({ width, height })
  const tiles = Array.from({ length: 4 * Math.ceil(width / 16) * Math.ceil(height / 16) }, () => random.integer(206))
  for (let i = 0; i < image.data.length; i++) {
    const [x, y] = [((i >> 2) % width) >> 4, Math.floor((i >> 2) / width) >> 4]
    const colour = tiles[4 * (y * Math.ceil(width / 16) + x) + (i % 4)]!
    image.data[i] = i % 4 === 3 ? 255 : colour + random.integer(50)
  }
  return PNG.sync.write(image)
}

/** The first bytes of a PNG that claims to be huge: a decompression bomb would look like this. */
export function hugePng(width: number, height: number): Buffer {
  const bytes = Buffer.from(png(1, 1))
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  return bytes
}

/** An object of a VOC file: name and corners, and what else the file should say of it. */
export function vocObject(name: string, corners: readonly (number | string)[], more = ""): string {
  const [xmin, ymin, xmax, ymax] = corners
  const box = `<xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax>`
  return `<object><name>${name}</name>${more}<bndbox>${box}</bndbox></object>`
}

export function vocFile(objects: string, width = 40, height = 30): string {
  const size = `<size><width>${width}</width><height>${height}</height><depth>3</depth></size>`
  return `<annotation><filename>a.png</filename>${size}${objects}</annotation>`
}

/** A VOC folder of one image `a` in split train. */
export function writeVocSample(
  folder: string,
  objects: string,
  more: Readonly<Record<string, string | Uint8Array>> = {},
) {
  writeFiles(folder, {
    "JPEGImages/a.png": png(40, 30),
    "Annotations/a.xml": vocFile(objects),
    "ImageSets/Main/train.txt": "a\n",
    ...more,
  })
}
