import { type BoxLossOptions, boxLossDefaults, boxLossOptions } from "../boxes/box-loss.js"
import type { MatchOptions } from "../boxes/matcher.js"
import type { SampleOptions } from "../boxes/sampler.js"
import { UsageError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import { type PoolingOptions, poolingDefaults, poolingOptions } from "../roi/pooling.js"
import { type SelectOptions, selectDefaults, selectOptions } from "../roi/select.js"
import { roiMatchDefaults, roiSampleDefaults } from "../roi/targets.js"
import { type AnchorOptions, anchorDefaults, anchorOptions } from "../rpn/anchors.js"
import { type Objectness, objectnessKinds } from "../rpn/head.js"
import { type ProposalOptions, proposalOptions, testProposalDefaults, trainProposalDefaults } from "../rpn/proposals.js"
import { rpnMatchDefaults, rpnSampleDefaults } from "../rpn/targets.js"

/** Every choice of a Faster R-CNN beside its backbone. The defaults and their sources stand with each part. */
export interface FasterRcnnOptions {
  readonly anchors: AnchorOptions
  readonly rpn: {
    readonly match: MatchOptions
    readonly sample: SampleOptions
    readonly loss: BoxLossOptions
    /** Whether anchors that reach over the image's border are trained on. @source torchvision and detectron2: they are */
    readonly borderAnchors: boolean
    /** Channels of its hidden layer; 0: as many as the features. @source torchvision and detectron2 */
    readonly width: number
    readonly objectness: Objectness
  }
  readonly proposals: { readonly train: ProposalOptions; readonly test: ProposalOptions }
  readonly align: PoolingOptions
  readonly roi: {
    readonly match: MatchOptions
    readonly sample: SampleOptions
    readonly loss: BoxLossOptions
    /** Whether a region has one box for all classes. @source torchvision: one for each (detectron2 names the choice) */
    readonly classAgnostic: boolean
  }
  readonly select: SelectOptions
  /** Whether the head sees, beside each region, the whole image. @source the ResNet paper, appendix B, "Global context" */
  readonly context: boolean
  /** Whether VOC's difficult objects are learned. @source py-faster-rcnn USE_DIFF false */
  readonly difficult: "exclude" | "include"
}

export const fasterRcnnDefaults: FasterRcnnOptions = {
  anchors: anchorDefaults,
  rpn: {
    match: rpnMatchDefaults,
    sample: rpnSampleDefaults,
    loss: boxLossDefaults,
    borderAnchors: true,
    width: 0,
    objectness: "sigmoid",
  },
  proposals: { train: trainProposalDefaults, test: testProposalDefaults },
  align: poolingDefaults,
  roi: { match: roiMatchDefaults, sample: roiSampleDefaults, loss: boxLossDefaults, classAgnostic: false },
  select: selectDefaults,
  context: false,
  difficult: "exclude",
}

/** @throws UsageError for a value that a part cannot work with */
export function checkOptions({ anchors, rpn, proposals, align, roi, select }: FasterRcnnOptions): void {
  anchorOptions(anchors)
  rpnOptions(rpn)
  boxLossOptions("detector.rpn.loss", rpn.loss)
  boxLossOptions("detector.roi.loss", roi.loss)
  for (const own of Object.values(proposals)) proposalOptions(own)
  poolingOptions(align)
  selectOptions(select)
}

function rpnOptions({ width, objectness }: FasterRcnnOptions["rpn"]): void {
  if (!Number.isInteger(width) || width < 0) {
    throw new UsageError(`detector.rpn.width: expected a whole number from 0 on, got ${width}`)
  }
  if (!objectnessKinds.includes(objectness)) {
    throw new UsageError(`detector.rpn.objectness: expected ${objectnessKinds.join(" or ")}, got ${objectness}`)
  }
}

/** Some of a tree's values, at any depth. */
export type DeepPartial<T> = T extends readonly unknown[] | string | number | boolean
  ? T
  : { readonly [K in keyof T]?: DeepPartial<T[K]> }

/**
 * `options` with single values replaced, however deep they stand.
 * @throws UsageError for a name that `options` lacks, or a value of another type
 */
export function withOverrides<T extends object>(options: T, overrides: DeepPartial<NoInfer<T>>, path = "detector"): T {
  const result = { ...options } as Record<string, unknown>
  for (const [key, value] of Object.entries(overrides)) {
    const known = Object.keys(options)
    const place = `${path}.${key}`
    if (!known.includes(key)) {
      throw new UsageError(`unknown option "${place}".${didYouMean(key, known)} Known: ${known.join(", ")}`)
    }
    const old = result[key]
    if (kindOf(value) !== kindOf(old)) {
      throw new UsageError(
        `expected ${place} to be ${kindOf(old)} like ${JSON.stringify(old)}, got ${JSON.stringify(value)}`,
      )
    }
    result[key] = kindOf(old) === "a group" ? withOverrides(old as object, value as object, place) : value
  }
  return result as T
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list"
  return typeof value === "object" && value !== null ? "a group" : `a ${typeof value}`
}
