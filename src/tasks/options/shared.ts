import { z } from "zod"
import type { BackboneSpec } from "../../backbone/backbone.js"
import type { Rule } from "../../core/options.js"
import { largestSide } from "../../core/size-rule.js"
import type { OwnBackbone } from "../../detector/build.js"
import { detectRules } from "../../detector/detect-options.js"
import { engineChoices, precisions } from "../../engine/names.js"
import { submissions } from "../../predict/submissions.js"
import type { BoxData } from "../box-data.js"
import { option } from "../option.js"

/** Options that several tasks have, declared once. */

/** A data set, or samples, that a program passes; what they hold is checked when they are read. */
const isOwnData = (value: unknown): boolean => typeof value === "object" && value !== null
const ownData = z.custom<Exclude<BoxData, string>>(isOwnData, "a path, a data set, or { image, boxes, labels } objects")

const scoredPart = "which split of the data"

const anyBoxData = () => z.union([z.string(), ownData], "a path, a data set, or { image, boxes, labels } objects")

const boxDataHelp =
  "a VOC folder (several joined with +), a COCO folder or file, a YOLO data.yaml, or labelme, CSV, VIA or ImageNet data; also zipped"

/** Data with boxes. */
export const boxData = (help = boxDataHelp) => option(anyBoxData(), { help, path: "joined" })

/** What is scored where nothing else is named: what the weights were validated on. */
const validated = "what the run of the weights was validated on"

/** Data with boxes to score weights on. */
export const scoredBoxData = (help = boxDataHelp) =>
  option(anyBoxData().optional(), { help, path: "joined", otherwise: validated })

/** Data to score a classifier on. */
export const scoredLabelledData = (help: string) =>
  option(z.string().optional(), { help, path: "single", otherwise: validated })

/** The part of the data that weights are scored on. @source torchvision and detectron2 evaluate on COCO's val2017 */
export const weightsSplit = () =>
  option(z.string().optional(), { help: scoredPart, value: "name", otherwise: "val; with --weights alone their run's" })

/** Data that only a program can pass. */
export const boxDataFromCode = (help: string) => option(ownData.optional(), { help, only: "code" })

export const imagesFolder = option(z.string().optional(), {
  help: "where a COCO file's images are, if not beside it; several folders joined with +",
  value: "folder",
  path: "joined",
})

export const followLinks = option(z.boolean().default(false), {
  help: "follow links that lead out of the data folder",
})

/** How annotations are understood. */
export const howRead = {
  corners: option(z.enum(["auto", "one-based", "zero-based"]).default("auto"), {
    help: "what the corners in VOC files mean",
    value: "rule",
  }),
  sizeMismatch: option(z.enum(["keep", "scale", "fail"]).default("keep"), {
    help: "boxes of photos that were resized after labelling: keep them, scale them to the file's size, or fail",
  }),
  followLinks,
}

export const trainSplit = { help: "training split; join several with +; one year as VOC2007/test", value: "name" }
export const valSplit = { help: "validation split", value: "name" }

/** The part of the data that is scored. @source torchvision and detectron2 evaluate on COCO's val2017 */
export const scoredSplit = option(z.string().default("val"), { help: scoredPart, value: "name" })

/** How text files of boxes are understood. */
export const textBoxes = option(z.enum(["xyxy", "xywh"]).optional(), {
  help: "what the four numbers of text files in pixels are: two corners, or corner and size",
  otherwise: "corners where all lines can be",
})

export const engine = option(z.enum(engineChoices).default("auto"), {
  help: "what runs the network",
  variable: "RESDET_ENGINE",
})

/** What can run a detector that only detects. */
const detectEngines = ["onnx", ...engineChoices] as const

export const detectEngine = option(z.enum(detectEngines).default("auto"), {
  help: "what runs the network",
  variable: "RESDET_ENGINE",
})

/** @source torchvision, detectron2 and Ultralytics predict in float32 on processors */
export const precision = option(z.enum(precisions).default("float32"), {
  help: "what convolutions and products are computed in; bf16 takes native TensorFlow on a processor with AVX512_BF16 or AMX, or a GPU of compute capability 8.0",
})

/** @source torchvision's references and detectron2 train in float32 unless they are asked for mixed precision */
export const trainingPrecision = option(z.enum(precisions).default("float32"), {
  help: "what convolutions and products are computed in; weights, losses and update are float32. bf16 takes native TensorFlow on a processor with AVX512_BF16 or AMX, or a GPU of compute capability 8.0",
})

/** Nothing is fetched unless it is asked for; this forbids that too. */
export const offline = () =>
  option(z.boolean().default(false), { help: "fetch nothing: what is not here already is an error" })

export const seed = (help = "random seed: the same seed gives the same run") => option(z.int().default(0), { help })

export const outFolder = (otherwise: string) =>
  option(z.string().optional(), { help: "where results go", value: "folder", path: "single", otherwise })

const backboneHelp = "the backbone that the detector has in place of a ResNet"

/** A backbone of a program's own, which it describes with `Ops` or puts together from tensors. */
export const ownBackbone = () =>
  option(z.custom<OwnBackbone>((value) => typeof value === "function" || isOwnData(value), "a backbone").optional(), {
    help: backboneHelp,
    only: "code",
  })

/** One that is described, of which an ONNX graph can be made. */
export const describedBackbone = option(
  z
    .custom<BackboneSpec>((value) => isOwnData(value) && "features" in (value as object), "a described backbone")
    .optional(),
  { help: backboneHelp, only: "code" },
)

/** A shorter side that images are resized to. */
export const shorterSide = (least = 1) => z.int().min(least).max(largestSide)

/** Shorter and longest side of the input. */
export const inputSides = {
  size: option(shorterSide(32).optional(), {
    help: "shorter side of the input",
    unit: "pixels",
    otherwise: "the preset's",
  }),
  maxSize: option(z.int().min(32).optional(), {
    help: "maximum longer side of the input",
    unit: "pixels",
    otherwise: "the preset's, in proportion to the size",
  }),
}

/** Where a bottleneck block has its stride. */
export const strideIn = option(z.enum(["3x3", "1x1"]).optional(), {
  help: "where bottleneck blocks have their stride: 3x3 (torchvision) or 1x1 (the paper)",
  otherwise: "the weights' own, else 3x3",
})

/** One file, or several. */
export const files = () => z.union([z.string(), z.array(z.string()).min(1)], "a file or a list of files")

/** `schema` that also keeps a rule of ours, in the rule's words. */
export function byRule<Schema extends z.ZodType>(schema: Schema, rule: Rule): Schema {
  return schema.refine((value) => rule(value) === undefined, { error: ({ input }) => rule(input) ?? "" }) as Schema
}

/** What to do about a kind of fault in the data. */
export const policies = option(z.record(z.string(), z.enum(["fix", "skip", "fail"])).default({}), {
  help: "policy for a kind of fault in the data: fix, skip or fail, as in policies.zero-area-box=skip",
  only: "file",
})

/** Single values of a detector's options. */
export const detectorOverrides = option(z.record(z.string(), z.unknown()).default({}), {
  help: "overrides of the detector's options, such as detector.anchors.sizes=[32,64]",
  only: "file",
})

export const submission = option(z.enum(submissions).optional(), {
  help: "also write the results as an evaluation server takes them: VOC's tar, COCO's zip, ImageNet DET's lines",
  source: "the development kits of VOC2012 and ILSVRC; cocodataset.org",
})

/** Tiles of large photos. @param help what is done with them */
export const tilesShape = (help: string) => ({
  tiles: option(byRule(z.number(), detectRules.tiles).optional(), { help, unit: "pixels" }),
  overlap: option(byRule(z.number(), detectRules.overlap).optional(), {
    help: "minimum overlap of neighbouring tiles, as a share of a tile",
    value: "0..0.9",
    otherwise: "0.2",
    source: "SAHI: overlap_height_ratio 0.2",
  }),
})
