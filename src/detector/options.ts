import type { MatchOptions } from "../boxes/matcher.js"
import type { SampleOptions } from "../boxes/sampler.js"
import { type RoiAlignOptions, roiAlignDefaults } from "../roi/align.js"
import { type SelectOptions, selectDefaults } from "../roi/select.js"
import { roiMatchDefaults, roiSampleDefaults } from "../roi/targets.js"
import { type AnchorOptions, anchorDefaults } from "../rpn/anchors.js"
import { type ProposalOptions, testProposalDefaults, trainProposalDefaults } from "../rpn/proposals.js"
import { rpnMatchDefaults, rpnSampleDefaults } from "../rpn/targets.js"

/** Every choice of a Faster R-CNN beside its backbone. The defaults and their sources stand with each part. */
export interface FasterRcnnOptions {
  readonly anchors: AnchorOptions
  readonly rpn: { readonly match: MatchOptions; readonly sample: SampleOptions }
  readonly proposals: { readonly train: ProposalOptions; readonly test: ProposalOptions }
  readonly align: RoiAlignOptions
  readonly roi: { readonly match: MatchOptions; readonly sample: SampleOptions }
  readonly select: SelectOptions
  /** Whether VOC's difficult objects are learned. @source py-faster-rcnn USE_DIFF false */
  readonly difficult: "exclude" | "include"
}

export const fasterRcnnDefaults: FasterRcnnOptions = {
  anchors: anchorDefaults,
  rpn: { match: rpnMatchDefaults, sample: rpnSampleDefaults },
  proposals: { train: trainProposalDefaults, test: testProposalDefaults },
  align: roiAlignDefaults,
  roi: { match: roiMatchDefaults, sample: roiSampleDefaults },
  select: selectDefaults,
  difficult: "exclude",
}
