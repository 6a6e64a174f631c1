import { z } from "zod"
import { presetNames } from "../detector/presets.js"

const norms = z.enum(["auto", "frozen", "batch", "group"])
const policy = z.enum(["fix", "skip", "fail"])

/** The options of `train`, and their defaults; `auto` is decided from the weights and the data, and said. */
export const trainSchema = z.strictObject({
  data: z.string(),
  /** Folder of a COCO file's images, where it is not beside the file. */
  images: z.string().optional(),
  split: z.string().default("train"),
  valSplit: z.string().default("val"),
  model: z.string().default("fasterrcnn_resnet18_c4"),
  preset: z.enum(presetNames as [string, ...string[]]).default("light"),
  weights: z.string().optional(),
  out: z.string().optional(),
  seed: z.int().default(0),
  /** @source Detectron's 1x schedule */
  epochs: z.int().min(1).default(12),
  /** @source torchvision `references/detection/train.py`: 2 images a device */
  batch: z.int().min(1).default(2),
  /** The preset's rate for one image times the batch when it is not given. */
  lr: z.number().positive().optional(),
  schedule: z.enum(["steps", "cosine"]).default("steps"),
  /** Steps of linear warm-up; not given: the first epoch, 1000 at most, as torchvision. */
  warmup: z.int().min(0).optional(),
  momentum: z.number().min(0).max(1).default(0.9),
  weightDecay: z.number().min(0).default(1e-4),
  /** @source Ultralytics: gradients are cut to a norm of 10 */
  clipNorm: z.number().positive().default(10),
  size: z.int().min(32).optional(),
  maxSize: z.int().min(32).optional(),
  strideIn: z.enum(["3x3", "1x1"]).default("3x3"),
  norm: norms.default("auto"),
  conv5Norm: norms.default("auto"),
  headNorm: norms.default("auto"),
  /** How many parts do not learn: 1 the stem, 2 the stem and layer1, ...; not given: 2 with weights, 0 without. */
  frozen: z.int().min(0).max(4).optional(),
  flip: z.number().min(0).max(1).default(0.5),
  workers: z.int().min(0).optional(),
  valEvery: z.int().min(0).default(1),
  /** What makes a model the best; not given: voc12 for VOC data, AP for other. */
  metric: z.enum(["voc12", "voc07", "AP", "AP50", "AP75"]).optional(),
  minMap: z.number().min(0).max(1).optional(),
  logEvery: z.int().min(1).default(20),
  engine: z.enum(["tensorflow", "wasm", "auto"]).default("auto"),
  /** Single values of the detector's options, such as `detector.anchors.sizes`. */
  detector: z.record(z.string(), z.unknown()).default({}),
  /** What to do about a kind of fault in the data, such as `policies.zero-area-box`. */
  policies: z.record(z.string(), policy).default({}),
})

export type TrainConfig = z.output<typeof trainSchema>
