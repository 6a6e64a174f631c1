import { randomUUID } from "node:crypto"
import { existsSync, renameSync, rmSync } from "node:fs"
import { basename, dirname, join, resolve } from "node:path"
import { DataError } from "../src/core/errors.js"
import { isOfOneFile, makeFolder } from "../src/core/write-whole.js"
import type { Dataset, DatasetFormat, Fault, ImageRecord } from "./dataset.js"
import { PhotoFaults } from "./photo-faults.js"
import { photoSize } from "./photo-size.js"
import { type PhotoFile, photoFile, placePhoto } from "./place-photo.js"
import { isInside } from "./record.js"
import { formatWriters } from "./write-formats.js"

/** The formats that can be written. */
export type WriteFormat = Exclude<DatasetFormat, "imagenet" | "via">

export interface WriteOptions {
  /** Link the image files (hard links) instead of copying them, where the disk allows it. */
  readonly link: boolean
  /** Ends it; nothing is left behind. */
  readonly signal?: AbortSignal | undefined
  /** Told how many images are written, of all splits. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/** What became of a data set that was written. */
export interface Written {
  /** What was wrong with photos; those whose size cannot be told are left out. */
  readonly faults: readonly Fault[]
  /** What the format has no place for, and what is called otherwise now. */
  readonly notices: readonly string[]
}

/** An image with its place in the new folder. */
export interface NamedImage extends ImageRecord {
  readonly from: PhotoFile
  /** Its name without ending; none is another's, whatever the case. */
  readonly stem: string
  readonly name: string
}

/**
 * Writes splits of one data set in another format into a new folder, which appears when all of it is written. Objects that a
 * format cannot tell from ordinary ones are left out and counted: crowds in VOC, crowds and difficult ones in YOLO. Boxes
 * are clipped to their files. A photo whose boxes are those of its stored pixels loses its EXIF orientation, so that
 * whoever reads the copy sees the same picture.
 * @throws DataError when the folder exists, or the format cannot tell two classes apart; the signal's reason
 */
export async function writeDataset(
  splits: readonly Dataset[],
  format: WriteFormat,
  folder: string,
  overrides: Partial<WriteOptions> = {},
): Promise<Written> {
  if (existsSync(folder)) throw new DataError(`${folder} exists already. Choose a folder that does not`)
  const options: WriteOptions = { link: false, ...overrides }
  const writer = formatWriters[format]
  const notices: string[] = []
  const faults: Fault[] = []
  const names = new ImageNames(splits)
  const total = splits.reduce((sum, { images }) => sum + images.length, 0)
  let done = 0
  const beside = join(dirname(resolve(folder)), `.${basename(resolve(folder))}.${randomUUID().slice(0, 8)}.part`)
  makeFolder(beside)
  try {
    const parts: { readonly dataset: Dataset; readonly images: readonly NamedImage[] }[] = []
    for (const dataset of splits) {
      writer.expectClasses?.(dataset)
      const photoFaults = new PhotoFaults(dataset.source)
      const images: NamedImage[] = []
      for (const image of dataset.images) {
        options.signal?.throwIfAborted()
        options.onProgress?.(done++, total)
        const { size, problems } = await photoSize(image)
        photoFaults.add(image, problems)
        if (size === undefined) continue
        const place = writer.place(dataset.split)
        const stem = names.stemFor(image, place, dataset.split)
        const from = await photoFile(image, size)
        const { width, height } = size
        const named: NamedImage = { ...image, width, height, from, stem, name: stem + from.ending }
        const path = join(beside, place, named.name)
        try {
          if (!existsSync(path)) await placePhoto(image, from, path, options.link)
          images.push(named)
        } catch (error) {
          if (!isOfOneFile(error)) throw error
          photoFaults.add(image, [{ kind: "unreadable-image", message: error.message }])
        }
      }
      parts.push({ dataset, images: clipped(images, dataset, writer.says, notices) })
      faults.push(...photoFaults.faults)
    }
    options.onProgress?.(done, total)
    if (names.renamed > 0) notices.push(`${names.renamed} images got a name of their own, as another has theirs`)
    for (const { dataset, images } of parts) writer.writeSplit(dataset, images, beside, folder)
    writer.finish?.(parts, beside)
    renameSync(beside, folder)
    return { faults, notices }
  } catch (error) {
    rmSync(beside, { recursive: true, force: true })
    throw error
  }
}

/** How a name is compared: some disks know no case. */
const folded = (name: string) => name.normalize("NFC").toLowerCase()

/** Gives each image of a folder a name of its own; a file that two splits share keeps one. */
class ImageNames {
  renamed = 0
  readonly #taken = new Map<string, string>()
  /** Names that images have without a change. */
  readonly #own: ReadonlySet<string>

  constructor(splits: readonly Dataset[]) {
    this.#own = new Set(splits.flatMap(({ images }) => images.map(({ id }) => folded(id))))
  }

  stemFor({ id, file }: ImageRecord, place: string, split: string): string {
    // Folders in a name become part of it, as `NameIndex` knows; a line break would end a list's line.
    const flat = (mark: string) => id.replaceAll(/[\\/]/g, mark).replaceAll(/[\r\n]/g, "_")
    const own = flat("_")
    const tries = [...new Set([own, flat("__"), `${split}_${own}`])]
    for (let n = 0; ; n++) {
      const stem = tries[n] ?? `${own}_${n}`
      if (stem !== id && this.#own.has(folded(stem))) continue
      const key = folded(`${place}/${stem}`)
      const holder = this.#taken.get(key)
      if (holder !== undefined && holder !== file) continue
      if (holder === undefined && n > 0) this.renamed++
      this.#taken.set(key, file)
      return stem
    }
  }
}

/** The objects that the format can tell, within their images. */
function clipped(
  images: readonly NamedImage[],
  { split }: Dataset,
  says: { readonly crowd: boolean; readonly difficult: boolean },
  notices: string[],
): NamedImage[] {
  const left = { crowd: 0, difficult: 0, outside: 0 }
  const result = images.map((image) => {
    const { width, height, crowd, difficult, labels, areas } = image
    const boxes = image.boxes.slice()
    const kept = Array.from(labels.keys()).filter((i) => {
      if (crowd[i] && !says.crowd) left.crowd++
      else if (difficult[i] && !says.difficult) left.difficult++
      else if (clipBox(boxes.subarray(4 * i, 4 * i + 4), width, height)) return true
      else left.outside++
      return false
    })
    const at = (flags: Uint8Array) => Uint8Array.from(kept, (i) => flags[i]!)
    return {
      ...image,
      boxes: Float64Array.from(kept.flatMap((i) => [...boxes.subarray(4 * i, 4 * i + 4)])),
      labels: Int32Array.from(kept, (i) => labels[i]!),
      ...{ crowd: at(crowd), difficult: at(difficult), areas: Float64Array.from(kept, (i) => areas[i]!) },
    }
  })
  const told = (count: number, what: string) => {
    if (count > 0) notices.push(`${split}: ${count} ${what}`)
  }
  told(left.crowd, "crowd regions are left out: the format has no place for them")
  told(left.difficult, "difficult objects are left out: the format has no place for them")
  told(left.outside, "boxes lie outside of their files and are left out")
  return result
}

/** Clips a box in place. @returns whether something of it is left */
function clipBox(box: Float64Array, width: number, height: number): boolean {
  if (!isInside(box, width, height)) {
    box.set([Math.max(box[0]!, 0), Math.max(box[1]!, 0), Math.min(box[2]!, width), Math.min(box[3]!, height)])
  }
  return box[2]! > box[0]! && box[3]! > box[1]!
}
