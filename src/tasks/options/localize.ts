import { z } from "zod"
import { pickDefaults } from "../../localize/candidates.js"
import { refinedProposals } from "../../localize/options.js"
import { viewDefaults } from "../../localize/view.js"
import { option } from "../option.js"
import { engine, files, howRead, imagesFolder, scoredBoxData, shorterSide, weightsSplit } from "./shared.js"

const file = { value: "file", path: "single" } as const

const appendix = "He et al. 2016, appendix C"

/** Which networks look at images, and how. */
const looking = {
  weights: option(files(), { help: "a trained per-class RPN, or several as an ensemble", repeated: true, ...file }),
  rcnn: option(files().optional(), {
    help: "its second stage; of an ensemble one each, in the same order",
    repeated: true,
    ...file,
    otherwise: "none",
  }),
  classifier: option(files().optional(), {
    help: "a trained classifier whose top 5 classes are localized, or several as an ensemble",
    repeated: true,
    ...file,
  }),
  view: option(z.enum(["dense", "centre"]).default(viewDefaults.view), {
    help: "dense: the whole image; centre: one crop",
    source: appendix,
  }),
  sizes: option(z.array(shorterSide()).min(1).optional(), {
    help: "shorter sides for testing",
    unit: "pixels",
    otherwise: "8/7 of the crop's side",
    source: "He et al. 2016 section 3.4: 256 for 224",
  }),
  merge: option(z.enum(["best", "vote"]).default(pickDefaults.merge), {
    help: "best: the best-scored box; vote: the mean of those around it",
  }),
  proposals: option(z.int().min(1).default(refinedProposals), {
    help: "regions of each class for the second stage",
    source: appendix,
  }),
  submission: option(z.string().optional(), {
    help: "also write ImageNet's localization submission: a line an image, five times class and box",
    source: "ILSVRC2012 development kit, readme: submission of the results",
    ...file,
    written: true,
  }),
  classIds: option(z.string().optional(), {
    help: "the development kit's map_clsloc.txt (a synset, its number, its name on each line), for --submission",
    otherwise: "a class's number is its place among the classes",
    ...file,
  }),
  engine,
}

export type LookingOptions = z.output<z.ZodObject<typeof looking>>

export const evaluateLocalizerSchema = z.strictObject({
  data: scoredBoxData(),
  split: weightsSplit(),
  images: imagesFolder,
  ...howRead,
  ...looking,
})

export type EvaluateLocalizerOptions = z.input<typeof evaluateLocalizerSchema>

export const localizeFolderSchema = z.strictObject({
  source: option(z.string(), {
    help: "an image, a folder, a quoted glob, or a list file (.txt)",
    path: "single",
  }),
  class: option(z.array(z.string().min(1)).min(1).optional(), {
    help: "classes to localize instead of a classifier's, comma-separated",
    value: "names",
  }),
  ...looking,
})

export type LocalizeFolderOptions = z.input<typeof localizeFolderSchema>
