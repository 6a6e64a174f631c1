import type { DeepPartial, FasterRcnnOptions } from "../detector/options.js"
import type { PresetName } from "../detector/preset-names.js"

/** How somebody trained on a well-known data set: its splits and schedule. What the detector is like, a preset says. */
export interface Recipe {
  /** Whose it is. */
  readonly from: string
  readonly split: string
  /** What to validate on; `null` where the annotations are not public. */
  readonly valSplit: string | null
  /** Images a step, the steps, and after which of them the rate drops to a tenth. */
  readonly batch: number
  readonly steps: number
  readonly drops: readonly number[]
  /** For `batch` images a step. */
  readonly lr: number
  /** Steps of linear warm-up. */
  readonly warmup: number
  readonly weightDecay: number
  /** Shorter sides that training draws from; the preset's one where left out. */
  readonly sizes?: readonly number[]
  /** The detector that goes with it, where no other is asked for. */
  readonly preset: { readonly c4: PresetName; readonly other: PresetName }
  /** What the preset `paper` has otherwise for other data. */
  readonly detector?: DeepPartial<FasterRcnnOptions>
  /** How its two parts are trained by turns. */
  readonly alternate?: { readonly rpn: PartSchedule; readonly head: PartSchedule & { readonly regions: number } }
}

/** Images a step, the steps of each turn, and after which of them the rate drops to a tenth. */
type PartSchedule = Pick<Recipe, "batch" | "steps" | "drops">

/** @source tf-faster-rcnn: `res101.yml`, and the README's schedules; one image a step, end to end, no warm-up */
const voc = {
  batch: 1,
  lr: 0.001,
  warmup: 0,
  weightDecay: 1e-4,
  preset: { c4: "paper", other: "torchvision" },
  /** @source py-faster-rcnn `faster_rcnn_alt_opt`, VOC 2007: 128 regions of two images a step of the head */
  alternate: {
    rpn: { batch: 1, steps: 80_000, drops: [60_000] },
    head: { batch: 2, steps: 40_000, drops: [30_000], regions: 64 },
  },
} as const

/** @source detectron2 `Base-RCNN-C4.yaml` and `solver/build.py`: 16 images a step, sides of 640 to 800 */
const coco = {
  split: "train2017",
  valSplit: "val2017",
  batch: 16,
  lr: 0.02,
  warmup: 1000,
  weightDecay: 1e-4,
  sizes: [640, 672, 704, 736, 768, 800],
  preset: { c4: "detectron2", other: "torchvision" },
} as const

/**
 * - `voc07`, `voc07+12`: tf-faster-rcnn, 75.7 and 79.8 mAP with ResNet-101
 * - `voc07++12`: nobody published one; ours: `voc07+12` in proportion to the images, 21,503 instead of 16,551
 * - `coco-1x`, `coco-2x`, `coco-3x`: detectron2 (2x: Detectron), 35.7 AP after 1x and 38.4 after 3x with ResNet-50 C4
 * - `coco-paper`: the ResNet paper, appendix A, where the two parts were trained by turns: here together unless it is said, and
 * images a step are the RPN's; weight decay: Faster R-CNN (TPAMI), section 3.1.3; anchors of 64 pixels and background from IoU
 * 0: there, section 4.2; 64 regions of each image by turns: 128 of the two images of a GPU
 */
export const recipes = {
  voc07: {
    ...voc,
    from: "tf-faster-rcnn, VOC 2007",
    split: "VOC2007/trainval",
    valSplit: "VOC2007/test",
    steps: 70_000,
    drops: [50_000],
  },
  "voc07+12": {
    ...voc,
    from: "tf-faster-rcnn, VOC 2007 + 2012",
    split: "VOC2007/trainval+VOC2012/trainval",
    valSplit: "VOC2007/test",
    steps: 110_000,
    drops: [80_000],
  },
  "voc07++12": {
    ...voc,
    from: "ours, after tf-faster-rcnn's for VOC 2007 + 2012",
    split: "VOC2007/trainval+VOC2007/test+VOC2012/trainval",
    valSplit: null,
    steps: 143_000,
    drops: [104_000],
  },
  "coco-1x": { ...coco, from: "detectron2, 1x", steps: 90_000, drops: [60_000, 80_000] },
  "coco-2x": { ...coco, from: "Detectron, 2x", steps: 180_000, drops: [120_000, 160_000] },
  "coco-3x": { ...coco, from: "detectron2, 3x", steps: 270_000, drops: [210_000, 250_000] },
  "coco-paper": {
    from: "the ResNet paper, appendix A",
    split: "train2014",
    valSplit: "val2014",
    batch: 8,
    steps: 320_000,
    drops: [240_000],
    lr: 0.001,
    warmup: 0,
    weightDecay: 5e-4,
    preset: { c4: "paper", other: "torchvision" },
    detector: { anchors: { sizes: [64, 128, 256, 512] }, roi: { match: { negativeFrom: 0 } } },
    alternate: {
      rpn: { batch: 8, steps: 320_000, drops: [240_000] },
      head: { batch: 16, steps: 320_000, drops: [240_000], regions: 64 },
    },
  },
} as const satisfies Record<string, Recipe>

export type RecipeName = keyof typeof recipes
export const recipeNames = Object.keys(recipes) as RecipeName[]

/**
 * A recipe's schedule for another number of images a step: the images seen in all stay as many, and each moves the
 * weights as far.
 * @source Goyal et al. 2017, the linear rule; detectron2 `DefaultTrainer.auto_scale_workers`
 */
export function scaleRecipe(
  { batch, steps, drops, lr, warmup }: Recipe,
  images: number,
): Pick<Recipe, "steps" | "drops" | "lr" | "warmup"> {
  const factor = batch / images
  const scaled = (count: number) => Math.round(count * factor)
  return { steps: Math.max(1, scaled(steps)), drops: drops.map(scaled), lr: lr / factor, warmup: scaled(warmup) }
}
