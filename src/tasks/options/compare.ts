import { z } from "zod"
import { bootstrapDefaults } from "../../eval/bootstrap.js"
import { option } from "../option.js"
import { howRead, imagesFolder, scoredSplit, textBoxes } from "./shared.js"

const results = (whose: string) =>
  option(z.string(), {
    help: `results of ${whose} (as eval --predictions), or a document of eval --json`,
    path: "single",
  })

export const compareResultsSchema = z.strictObject({
  a: results("one detector"),
  b: results("the other"),
  gt: option(z.string().optional(), {
    help: "ground truth: a COCO file, or a data set's folder; leave out for eval documents",
    path: "single",
  }),
  split: scoredSplit,
  images: imagesFolder,
  ...howRead,
  boxes: textBoxes,
  samples: option(z.int().min(1).optional(), {
    help: "bootstrap samples for the interval",
    otherwise: `${bootstrapDefaults.samples}`,
    source: 'Efron and Tibshirani 1993 "An Introduction to the Bootstrap": 1,000 samples or more for percentiles',
  }),
  seed: option(z.int().min(0).optional(), { help: "seed of the bootstrap", otherwise: `${bootstrapDefaults.seed}` }),
})

export type CompareResultsOptions = z.input<typeof compareResultsSchema>
