import { z } from "zod"
import { demoCounts } from "../../../datasets/demo/counts.js"
import { usualSides } from "../../detector/usual-sides.js"
import { option } from "../option.js"
import { boxData, howRead, imagesFolder, seed, shorterSide } from "./shared.js"

/** Which data, and how they are read. */
const reading = {
  data: boxData(),
  split: option(z.string().optional(), {
    help: "only this split",
    value: "name",
    otherwise: "train, val and test where present",
  }),
  images: imagesFolder,
  ...howRead,
}

export type ReadingOptions = z.output<z.ZodObject<typeof reading>>

const formats = z.enum(["voc", "coco", "yolo", "labelme", "csv"])

const newFolder = option(z.string(), { help: "a folder that does not exist yet", value: "folder", path: "single" })

const link = option(z.boolean().default(false), { help: "hard links instead of copies of the images" })

const suspects = (help: string) => option(z.string().optional(), { help, value: "file", path: "single" })

export const checkDatasetSchema = z.strictObject({
  ...reading,
  data: boxData(
    "a VOC folder (several joined with +), a COCO folder or file, a YOLO data.yaml, or labelme, CSV, VIA or ImageNet data; also zipped; " +
      "or a classification set as `classify train` reads it",
  ),
  headers: option(z.boolean().default(false), {
    help: "read only the headers of the images: faster, but finds no truncated file",
  }),
  suspects: suspects("list and count suspected label errors too: the file of eval --suspects --json FILE"),
  fix: option(z.string().optional(), {
    help: "write a mended copy into a folder that does not exist yet",
    value: "folder",
    path: "single",
    bare: "runs/fixed",
  }),
})

export type CheckDatasetOptions = z.input<typeof checkDatasetSchema>

export const countDatasetSchema = z.strictObject({
  ...reading,
  size: option(shorterSide().default(usualSides.size), {
    help: "shorter side of the resized images",
    unit: "pixels",
    source: "torchvision and detectron2",
  }),
  maxSize: option(z.int().min(1).default(usualSides.maxSize), {
    help: "maximum longer side of the resized images",
    unit: "pixels",
    source: "torchvision and detectron2",
  }),
})

export type CountDatasetOptions = z.input<typeof countDatasetSchema>

export const convertDatasetSchema = z.strictObject({
  ...reading,
  to: option(formats, { help: "the format to write", value: "format" }),
  out: newFolder,
  link,
})

export type ConvertDatasetOptions = z.input<typeof convertDatasetSchema>

const share = z.number().min(0).lt(1)

export const splitDatasetSchema = z.strictObject({
  ...reading,
  split: option(z.string().default("train"), { help: "the split to divide", value: "name" }),
  out: newFolder,
  val: option(share.default(0.2), { help: "share of the images for val", value: "share" }),
  test: option(share.default(0), { help: "share of the images for test", value: "share" }),
  seed: seed("the same seed gives the same parts"),
  to: option(formats.optional(), { help: "the format to write", value: "format", otherwise: "as read" }),
  link,
})

export type SplitDatasetOptions = z.input<typeof splitDatasetSchema>

export const viewDatasetSchema = z.strictObject({
  ...reading,
  out: option(z.string().default("runs/view"), { help: "where the pictures go", value: "folder", path: "single" }),
  count: option(z.int().min(0).default(16), { help: "how many images of each split" }),
  seed: seed("which images: the same seed draws the same ones"),
  suspects: suspects("draw the images with suspected label errors instead: the file of eval --suspects --json FILE"),
})

export type ViewDatasetOptions = z.input<typeof viewDatasetSchema>

export const makeDemoSchema = z.strictObject({
  folder: option(z.string(), { help: "a folder that does not exist yet", value: "folder", path: "single" }),
  images: option(z.int().min(1).default(demoCounts.images), { help: "number of training images" }),
  valImages: option(z.int().min(0).default(demoCounts.valImages), { help: "number of validation images" }),
  seed: seed("the same seed makes the same images"),
  shapes: option(z.boolean().default(false), { help: "shapes, even where the digits of the package mnist are there" }),
})

export type MakeDemoOptions = z.input<typeof makeDemoSchema>
