import { z } from "zod"
import { defaultPreset, presetNames } from "../../detector/preset-names.js"
import { option } from "../option.js"
import { boxData, detectorOverrides, howRead, imagesFolder, inputSides, trainSplit } from "./shared.js"
import { trainDefaults } from "./train-detector.js"

/** The options of `anchors`, by the names that `train` has for them. */
export const fitAnchorsSchema = z.strictObject({
  data: boxData(),
  images: imagesFolder,
  ...howRead,
  split: option(z.string().default(trainDefaults.split), trainSplit),
  model: option(z.string().default(trainDefaults.model), {
    help: "the detector whose anchors are examined",
    value: "name",
  }),
  preset: option(z.enum(presetNames).default(defaultPreset), { help: "preset of the anchors and the input size" }),
  ...inputSides,
  detector: detectorOverrides,
})

export type FitAnchorsOptions = z.input<typeof fitAnchorsSchema>
