import { existsSync } from "node:fs"
import { basename, join, resolve } from "node:path"
import { stringify } from "yaml"
import { DataError } from "../src/core/errors.js"
import { writeJson } from "../src/json/write-json.js"
import { writeWhole } from "./atomic.js"
import type { Dataset, DatasetFormat, Fault, ImageRecord } from "./dataset.js"
import { PhotoFaults } from "./photo-faults.js"
import { photoSize } from "./photo-size.js"
import { type PhotoFile, photoFile, placePhoto } from "./place-photo.js"
import { vocXml } from "./write-voc.js"

/** The formats that can be written. */
export type WriteFormat = Exclude<DatasetFormat, "imagenet">

export interface WriteOptions {
  /** Link the image files (hard links) instead of copying them, where the disk allows it. */
  readonly link: boolean
}

/**
 * Writes splits of one data set in another format into a new folder. What a format has no place for is left out: crowds
 * in VOC, crowds, difficult flags and areas in YOLO. A photo whose boxes are those of its stored pixels loses its EXIF
 * orientation, so that whoever reads the copy sees the same picture.
 * @returns what was wrong with photos; those whose size cannot be told are left out
 * @throws DataError when the folder exists, or two images would get one name
 */
export async function writeDataset(
  splits: readonly Dataset[],
  format: WriteFormat,
  folder: string,
  overrides: Partial<WriteOptions> = {},
): Promise<Fault[]> {
  if (existsSync(folder)) throw new DataError(`${folder} exists already. Choose a folder that does not`)
  const options = { link: false, ...overrides }
  const writer = { voc: writeVocSplit, coco: writeCocoSplit, yolo: writeYoloSplit }[format]
  const taken = new Set<string>()
  const faults: Fault[] = []
  for (const dataset of splits) {
    const photoFaults = new PhotoFaults(dataset.source)
    const images: NamedImage[] = []
    for (const image of dataset.images) {
      const { size, problems } = await photoSize(image)
      photoFaults.add(image, problems)
      if (size === undefined) continue
      // Folders in a name become part of it: VOC and YOLO have none.
      const stem = image.id.replaceAll(/[\\/]/g, "_")
      const place = format === "voc" ? stem : `${dataset.split}/${stem}`
      if (taken.has(place)) throw new DataError(`Two images would be named ${place}. Rename one of them`)
      taken.add(place)
      const from = await photoFile(image, size)
      const { width, height } = size
      images.push({ ...image, width, height, from, stem, name: stem + from.ending })
    }
    const target = (name: string) =>
      join(folder, { voc: "JPEGImages", coco: dataset.split, yolo: `images/${dataset.split}` }[format], name)
    for (const image of images) await placePhoto(image, image.from, target(image.name), options.link)
    writer(dataset, images, folder)
    faults.push(...photoFaults.faults)
  }
  if (format === "voc" && splits.length > 1) {
    const both = splits.filter(({ split }) => split === "train" || split === "val")
    if (both.length === 2)
      writeList(
        folder,
        "trainval",
        both.flatMap(({ images }) => images.map(({ id }) => id)),
      )
  }
  if (format === "yolo") writeYaml(splits, folder)
  return faults
}

type NamedImage = ImageRecord & { readonly from: PhotoFile; readonly stem: string; readonly name: string }

function writeVocSplit(dataset: Dataset, images: readonly NamedImage[], folder: string): void {
  for (const image of images) {
    const xml = vocXml(image, dataset.classes, basename(resolve(folder)), image.name)
    writeWhole(join(folder, "Annotations", `${image.stem}.xml`), xml)
  }
  writeList(
    folder,
    dataset.split,
    images.map(({ stem }) => stem),
  )
}

/** Writes `ImageSets/Main/<split>.txt`. */
function writeList(folder: string, split: string, ids: readonly string[]): void {
  const lines = ids.map((id) => `${id.replaceAll(/[\\/]/g, "_")}\n`).join("")
  writeWhole(join(folder, "ImageSets", "Main", `${split}.txt`), lines)
}

function writeCocoSplit(dataset: Dataset, images: readonly NamedImage[], folder: string): void {
  let id = 0
  const annotations = images.flatMap((image) =>
    Array.from(image.labels, (label, i) => {
      const [x1, y1, x2, y2] = image.boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
      return {
        id: ++id,
        image_id: image.imageId,
        category_id: dataset.categoryIds[label - 1]!,
        bbox: [x1, y1, x2 - x1, y2 - y1],
        area: image.areas[i]!,
        iscrowd: image.crowd[i]!,
        ...(image.difficult[i] ? { ignore: 1 } : {}),
      }
    }),
  )
  const categories = dataset.classes.map((name, i) => ({ id: dataset.categoryIds[i]!, name }))
  const list = images.map(({ imageId, name, width, height }) => ({ id: imageId, file_name: name, width, height }))
  const json = writeJson({ images: list, annotations, categories })
  writeWhole(join(folder, "annotations", `instances_${dataset.split}.json`), json)
}

function writeYoloSplit(dataset: Dataset, images: readonly NamedImage[], folder: string): void {
  for (const { stem, labels, boxes, width, height } of images) {
    const lines = Array.from(labels, (label, i) => {
      const [x1, y1, x2, y2] = boxes.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number]
      const parts = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
      return `${label - 1} ${parts.map((part) => part.toFixed(8)).join(" ")}\n`
    })
    writeWhole(join(folder, "labels", dataset.split, `${stem}.txt`), lines.join(""))
  }
}

function writeYaml(splits: readonly Dataset[], folder: string): void {
  const places = Object.fromEntries(splits.map(({ split }) => [split, `images/${split}`]))
  const names = Object.fromEntries((splits[0]?.classes ?? []).map((name, index) => [index, name]))
  writeWhole(join(folder, "data.yaml"), stringify({ ...places, names }))
}
