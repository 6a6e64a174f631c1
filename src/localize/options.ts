import type { MatchOptions } from "../boxes/matcher.js"
import type { SampleOptions } from "../boxes/sampler.js"
import type { AnchorOptions } from "../rpn/anchors.js"
import { rpnMatchDefaults } from "../rpn/targets.js"

/** The choices of a per-class RPN beside its network. */
export interface ClassRpnOptions {
  /** The stride is the feature map's own. */
  readonly anchors: Pick<AnchorOptions, "sizes" | "ratios">
  readonly match: MatchOptions
  readonly sample: SampleOptions
}

/**
 * @source He et al. 2015, appendix C: 8 anchors an image, positive to negative 1:1, several anchors at each position. Their
 * shapes are not given; ours are Faster R-CNN's 128, 256 and 512 for a shorter side of 600, halved for one of 256 to 480.
 * Matching is the RPN's, which the appendix refers to.
 */
export const classRpnDefaults: ClassRpnOptions = {
  anchors: { sizes: [64, 128, 256], ratios: [0.5, 1, 2] },
  match: rpnMatchDefaults,
  sample: { batchSizePerImage: 8, positiveFraction: 0.5 },
}

/** How many proposals of a class the second stage looks at. @source He et al. 2015, appendix C */
export const refinedProposals = 200
