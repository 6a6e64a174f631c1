import { UsageError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import { type DetectorKind, type ModelConfig, ownModel, parseModel } from "./model.js"
import { fasterRcnnDefaults } from "./options.js"
import { type PresetName, presetNames } from "./preset-names.js"

/** Sizes and counts that belong together; a flag or a configuration file changes single ones. */
export interface Preset extends Pick<ModelConfig, "size" | "maxSize" | "sizeRule" | "options"> {
  /** Learning rate for a batch of one; a batch of n trains with n times as much. */
  readonly ratePerImage: number
}

const base = fasterRcnnDefaults

/** Pixels of the input. @source py-faster-rcnn RPN_MIN_SIZE 16, there of the photo: 16 times the scale of the input */
const smallestProposal = 16

/**
 * A preset's values for a kind of detector:
 * - `light`: for two CPU cores. Ours (figures in docs/results.md): shorter side 400, 64 regions an image, rate 0.005
 * - `paper`: shorter side 600, RoI pooling, smooth L1 with beta 1, 300 proposals, NMS 0.3. Sources: the ResNet paper, appendix A;
 *   Faster R-CNN (TPAMI), section 3.1: no anchors over the border in training, softmax of two; py-faster-rcnn for what both
 *   leave open: 128 regions, background from IoU 0.1 (`config.py`; COCO's recipe has 0), anchors of 128 to 512 pixels, 12000 /
 *   2000 proposals in training, none smaller than 16 pixels, RPN 512 wide, rate 0.001, 7x7 bins; 14x14 bins for C4 as in
 *   detectron2. Other detectors than C4 are not the paper's: their RPN is as wide as their features, with a sigmoid
 * - `torchvision`: its pyramid detector and reference script: 2000 anchors a level and 2000 proposals in training, 1000 and
 *   1000 at test, rate 0.02 for 16 images
 * - `detectron2`: its configurations (Base-RCNN-C4, -DilatedC5, -FPN): aligned regions with as many points as fit, 14x14
 *   bins for C4, 512 of them, 1000 proposals, rate 0.02 for 16 images
 */
const presets = {
  light: () => ({
    ratePerImage: 0.005,
    size: 400,
    maxSize: 667,
    sizeRule: "exact",
    options: {
      ...base,
      proposals: {
        train: { ...base.proposals.train, preNmsTopN: 2000, postNmsTopN: 500 },
        test: { ...base.proposals.test, preNmsTopN: 1000, postNmsTopN: 100 },
      },
      roi: { ...base.roi, sample: { batchSizePerImage: 64, positiveFraction: 0.25 } },
    },
  }),
  paper: (kind) => ({
    ratePerImage: 0.001,
    size: 600,
    maxSize: 1000,
    sizeRule: "paper",
    options: {
      ...base,
      anchors: { ...base.anchors, sizes: [128, 256, 512] },
      rpn: {
        ...base.rpn,
        borderAnchors: false,
        ...(kind === "c4" && ({ width: 512, objectness: "softmax" } as const)),
      },
      proposals: {
        train: { ...base.proposals.train, minSide: smallestProposal },
        test: { ...base.proposals.test, minSide: smallestProposal },
      },
      align: { ...base.align, operator: "pool", size: kind === "c4" ? 14 : 7 },
      roi: {
        ...base.roi,
        match: { ...base.roi.match, negativeFrom: 0.1 },
        sample: { batchSizePerImage: 128, positiveFraction: 0.25 },
        loss: { ...base.roi.loss, beta: 1 },
      },
      select: { ...base.select, nmsThreshold: 0.3 },
    },
  }),
  torchvision: () => ({
    ratePerImage: 0.02 / 16,
    size: 800,
    maxSize: 1333,
    sizeRule: "torchvision",
    options: {
      ...base,
      proposals: {
        train: { ...base.proposals.train, preNmsTopN: 2000, postNmsTopN: 2000 },
        test: { ...base.proposals.test, preNmsTopN: 1000, postNmsTopN: 1000 },
      },
    },
  }),
  detectron2: (kind) => ({
    ratePerImage: 0.02 / 16,
    size: 800,
    maxSize: 1333,
    sizeRule: "detectron2",
    options: {
      ...base,
      rpn: { ...base.rpn, loss: { ...base.rpn.loss, type: "l1" } },
      roi: { ...base.roi, loss: { ...base.roi.loss, type: "l1" } },
      align: { ...base.align, size: kind === "c4" ? 14 : 7, samplingRatio: 0, aligned: true },
      proposals: kind.startsWith("fpn")
        ? {
            train: { ...base.proposals.train, preNmsTopN: 2000, postNmsTopN: 1000 },
            test: { ...base.proposals.test, preNmsTopN: 1000, postNmsTopN: 1000 },
          }
        : { train: base.proposals.train, test: { ...base.proposals.test, postNmsTopN: 1000 } },
    },
  }),
} satisfies Record<PresetName, (kind: DetectorKind) => Preset>

/**
 * A preset's values for a detector.
 * @param model such as `fasterrcnn_resnet50_c4`
 * @throws UsageError for a name that is not among `presetNames`, or a model that is not known
 */
export function preset(name: string, model: string): Preset {
  if (!Object.hasOwn(presets, name)) {
    throw new UsageError(`unknown preset "${name}".${didYouMean(name, presetNames)} Known: ${presetNames.join(", ")}`)
  }
  // A backbone of a program's own has two linear layers on every region, as pyramids have.
  return presets[name as PresetName](model === ownModel ? "fpn" : parseModel(model).kind)
}
