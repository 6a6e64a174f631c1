import { z } from "zod"
import { scorerBatch } from "../../classify/scorer-batch.js"
import { option } from "../option.js"
import {
  engine,
  files,
  followLinks,
  precision,
  scoredLabelledData,
  scoredSplit,
  shorterSide,
  weightsSplit,
} from "./shared.js"

const classifiers = (help: string) => option(files(), { help, value: "file", path: "single", repeated: true })

const labelledHelp =
  "a folder of classes (val/<class>/), also zipped; ImageNet's archives with the development kit; tar shards, as in " +
  "shards/val-{000000..000009}.tar; CIFAR-10's binary files"

const batch = option(z.int().min(1).default(scorerBatch), {
  help: "batch size, in crops",
  unit: "crops",
  source: "ours: about 0.5 GB for a ResNet-50 at 224",
})

/** Which classifiers run and how images are shown to them. */
const scoring = {
  weights: classifiers("a classifier (.safetensors), or several whose scores are averaged"),
  crops: option(z.literal([1, 10]).optional(), {
    help: "1: the centre; 10: centre and corners with their mirror images",
    value: "1|10",
    otherwise: "1",
    source: "He et al. 2016 section 3.4",
  }),
  scales: option(z.array(shorterSide()).min(1).optional(), {
    help: "dense testing instead of crops: whole images at these shorter sides, as in 224,256,384,480,640",
    unit: "pixels",
    source: "He et al. 2016 section 3.4",
  }),
  batch,
  engine,
  precision,
}

export type ScoringOptions = z.output<z.ZodObject<typeof scoring>>

const loading = z.strictObject({
  ...scoring,
  workers: option(z.int().min(0).optional(), {
    help: "worker threads, each with a copy of the networks; 0: none",
    otherwise: "1; 0 for webgpu",
  }),
  maxQueue: option(z.int().min(0).default(1000), { help: "how many calls may wait" }),
})

export const loadClassifierSchema = loading.omit({ weights: true })

export const evaluateClassifierSchema = z.strictObject({
  data: scoredLabelledData(labelledHelp),
  followLinks,
  split: weightsSplit(),
  classes: option(z.union([z.string(), z.array(z.string())]).optional(), {
    help:
      "a file with the folder of each class of the network, one a line in its order (lines of LOC_synset_mapping.txt serve); " +
      "imagenet: the data have all 1,000 folders, n01440764 and so on",
    value: "file|imagenet",
    otherwise: "the classifier's own names; where it has numbers, the folders by name",
  }),
  ...scoring,
  perImage: option(z.string().optional(), {
    help: "write each image's scores to a file, as JSON lines",
    value: "file",
    path: "single",
    written: true,
  }),
})

export type EvaluateClassifierOptions = z.input<typeof evaluateClassifierSchema>

export const classifyFolderSchema = z.strictObject({
  source: option(z.string(), {
    help: "an image, a folder, a quoted glob, or a list file (.txt)",
    path: "single",
  }),
  ...scoring,
  top: option(z.int().min(1).default(5), { help: "number of top classes to print" }),
  format: option(z.enum(["text", "jsonl", "csv"]).default("text"), { help: "output format" }),
  out: option(z.string().optional(), {
    help: "write the lines to a file",
    value: "file",
    path: "single",
    written: true,
    otherwise: "to stdout",
  }),
})

export type ClassifyFolderOptions = z.input<typeof classifyFolderSchema>

export const layerResponsesSchema = z.strictObject({
  weights: classifiers("one or several classifiers (.safetensors) to compare"),
  data: option(z.string(), { help: labelledHelp, path: "single" }),
  followLinks,
  split: scoredSplit,
  out: option(z.string().optional(), {
    help: "write a table (.csv), and a plot beside it as .svg",
    value: "file.csv",
    path: "single",
    written: true,
  }),
  batch,
  engine,
})

export type LayerResponsesOptions = z.input<typeof layerResponsesSchema>
