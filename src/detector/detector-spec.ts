import { type NetworkSpec, resNetSpec } from "../backbone/architecture.js"
import type { Backbone, BackboneSpec } from "../backbone/backbone.js"
import { UsageError } from "../core/errors.js"
import { type BoxHeadSpec, twoLinearLayers } from "../roi/head.js"
import { c4 } from "./kinds/c4.js"
import { dc5 } from "./kinds/dc5.js"
import { fpn } from "./kinds/fpn.js"
import { fpnV2 } from "./kinds/fpn-v2.js"
import { type DetectorKind, type ModelConfig, ownModel, parseModel } from "./model.js"

/** The networks of a detector, described once: they are trained, tested, exported and counted by this. */
export interface DetectorSpec {
  readonly backbone: BackboneSpec
  /** How many 3x3 convolutions the RPN has. */
  readonly rpnDepth: number
  readonly boxHead: BoxHeadSpec
}

const kinds: Readonly<Record<DetectorKind, (config: ModelConfig, network: NetworkSpec) => DetectorSpec>> = {
  c4,
  dc5,
  fpn,
  fpn_v2: fpnV2,
}

/**
 * The networks of the detector that a configuration names.
 * @throws UsageError for a name that is not known, or a detector whose backbone is a program's own
 */
export function detectorSpec(config: ModelConfig): DetectorSpec {
  if (config.model === ownModel) {
    throw new UsageError("the detector has a backbone of a program's own: pass it as the option backbone")
  }
  const { depth, kind } = parseModel(config.model)
  const { strideIn, shortcut } = config
  return kinds[kind](config, resNetSpec(depth, { strideIn, shortcut }))
}

/** The networks of a detector with a backbone of its own: one convolution in the RPN, two linear layers on every region. */
export function ownDetectorSpec<Own extends Pick<Backbone, "channels">>(
  backbone: Own,
  { options }: Pick<ModelConfig, "options">,
): Omit<DetectorSpec, "backbone"> & { readonly backbone: Own } {
  return { backbone, rpnDepth: 1, boxHead: twoLinearLayers(backbone.channels, options.align.size) }
}
