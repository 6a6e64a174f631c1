import { basename, join, resolve } from "node:path"
import { stringify } from "yaml"
import { DataError } from "../src/core/errors.js"
import { writeWhole } from "../src/core/write-whole.js"
import { writeJson } from "../src/json/write-json.js"
import type { Dataset } from "./dataset.js"
import type { NamedImage, WriteFormat } from "./write.js"
import { vocXml } from "./write-voc.js"

type Parts = readonly { readonly dataset: Dataset; readonly images: readonly NamedImage[] }[]

/** Of a file for each image: the copy can be made again. */
const quick = { sync: false } as const

/** How a format is written. */
interface FormatWriter {
  /** Which objects it can tell from ordinary ones. */
  readonly says: { readonly crowd: boolean; readonly difficult: boolean }
  /** The folder of a split's images. */
  place(split: string): string
  /** @throws DataError for classes that the format cannot tell apart */
  expectClasses?(dataset: Dataset): void
  /** @param called the folder's name when it is whole */
  writeSplit(dataset: Dataset, images: readonly NamedImage[], folder: string, called: string): void
  /** What stands once for all splits. */
  finish?(parts: Parts, folder: string): void
}

type Box = readonly [x1: number, y1: number, x2: number, y2: number]

/** An image's objects, one after the other. */
const objectsOf = (image: NamedImage, { classes }: Dataset) =>
  Array.from(image.labels, (label, i) => ({
    i,
    label,
    name: classes[label - 1]!,
    box: image.boxes.subarray(4 * i, 4 * i + 4) as unknown as Box,
    difficult: image.difficult[i] === 1,
    crowd: image.crowd[i]!,
  }))

const voc: FormatWriter = {
  says: { crowd: false, difficult: true },
  place: () => "JPEGImages",
  expectClasses({ classes }) {
    // Readers of XML take the space around a text for none of it.
    const twin = classes.find((name, i) => classes.some((other, k) => k < i && other.trim() === name.trim()))
    if (twin === undefined) return
    throw new DataError(`VOC cannot tell classes apart that differ in spaces only, as "${twin}" does: rename one`)
  },
  writeSplit(dataset, images, folder, called) {
    for (const image of images) {
      const xml = vocXml(image, dataset.classes, basename(resolve(called)), image.name)
      writeWhole(join(folder, "Annotations", `${image.stem}.xml`), xml, quick)
    }
    writeList(folder, dataset.split, images)
  },
  finish(parts, folder) {
    const both = parts.filter(({ dataset: { split } }) => split === "train" || split === "val")
    if (both.length === 2)
      writeList(
        folder,
        "trainval",
        both.flatMap(({ images }) => images),
      )
  },
}

/** Writes `ImageSets/Main/<split>.txt`; a name that would lose a space or a quote at its ends stands in quotes. */
function writeList(folder: string, split: string, images: readonly NamedImage[]): void {
  const lines = [...new Set(images.map(({ stem }) => stem))].map((stem) =>
    /^["'\s]|["'\s]$/.test(stem) ? `"${stem}"\n` : `${stem}\n`,
  )
  writeWhole(join(folder, "ImageSets", "Main", `${split}.txt`), lines.join(""))
}

const coco: FormatWriter = {
  says: { crowd: true, difficult: true },
  place: (split) => split,
  writeSplit(dataset, images, folder) {
    let id = 0
    const annotations = images.flatMap((image) =>
      objectsOf(image, dataset).map(({ i, label, box: [x1, y1, x2, y2], crowd, difficult }) => ({
        ...{ id: ++id, image_id: image.imageId, category_id: dataset.categoryIds[label - 1]! },
        ...{ bbox: [x1, y1, x2 - x1, y2 - y1], area: image.areas[i]!, iscrowd: crowd },
        ...(difficult ? { ignore: 1 } : {}),
      })),
    )
    const categories = dataset.classes.map((name, i) => ({ id: dataset.categoryIds[i]!, name }))
    const list = images.map(({ imageId, name, width, height }) => ({ id: imageId, file_name: name, width, height }))
    const json = writeJson({ images: list, annotations, categories })
    writeWhole(join(folder, "annotations", `instances_${dataset.split}.json`), json)
  },
}

const yolo: FormatWriter = {
  says: { crowd: false, difficult: false },
  place: (split) => `images/${split}`,
  writeSplit(dataset, images, folder) {
    for (const image of images) {
      const { width, height, stem } = image
      const lines = objectsOf(image, dataset).map(({ label, box: [x1, y1, x2, y2] }) => {
        const parts = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
        return `${label - 1} ${parts.map((part) => part.toFixed(8)).join(" ")}\n`
      })
      writeWhole(join(folder, "labels", dataset.split, `${stem}.txt`), lines.join(""), quick)
    }
  },
  finish(parts, folder) {
    const places = Object.fromEntries(parts.map(({ dataset: { split } }) => [split, `images/${split}`]))
    const names = Object.fromEntries((parts[0]?.dataset.classes ?? []).map((name, index) => [index, name]))
    writeWhole(join(folder, "data.yaml"), stringify({ ...places, names }))
  },
}

/** @source labelme 5: a JSON file beside each image */
const labelme: FormatWriter = {
  says: { crowd: false, difficult: true },
  place: (split) => split,
  writeSplit(dataset, images, folder) {
    for (const image of images) {
      const shapes = objectsOf(image, dataset).map(({ name, box: [x1, y1, x2, y2], difficult }) => ({
        label: name,
        points: [
          [x1, y1],
          [x2, y2],
        ],
        ...{ group_id: null, shape_type: "rectangle", flags: difficult ? { difficult } : {} },
      }))
      const { width: imageWidth, height: imageHeight, name: imagePath } = image
      const json = { version: "5.0.1", flags: {}, shapes, imagePath, imageData: null, imageHeight, imageWidth }
      writeWhole(join(folder, dataset.split, `${image.stem}.json`), `${JSON.stringify(json, null, 2)}\n`, quick)
    }
  },
}

/** @source keras-retinanet: `path,x1,y1,x2,y2,class`, an image without objects as `path,,,,,` */
const csv: FormatWriter = {
  says: { crowd: false, difficult: false },
  place: (split) => split,
  writeSplit(dataset, images, folder) {
    const lines = images.flatMap((image) => {
      const path = field(`${dataset.split}/${image.name}`)
      const rows = objectsOf(image, dataset).map(
        ({ box, name }) => `${path},${box.map(short).join(",")},${field(name)}\n`,
      )
      return rows.length > 0 ? rows : [`${path},,,,,\n`]
    })
    writeWhole(join(folder, `${dataset.split}.csv`), `path,x1,y1,x2,y2,class\n${lines.join("")}`)
  },
  finish(parts, folder) {
    const classes = parts[0]?.dataset.classes ?? []
    writeWhole(join(folder, "classes.csv"), classes.map((name, i) => `${field(name)},${i}\n`).join(""))
  },
}

const short = (value: number) => String(Number(value.toFixed(4)))

const field = (text: string) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

export const formatWriters: Readonly<Record<WriteFormat, FormatWriter>> = { voc, coco, yolo, labelme, csv }
