import { dilate, type NetworkSpec, resNetSpec } from "../backbone/architecture.js"
import { PyramidTrunk } from "../backbone/fpn.js"
import { Trunk } from "../backbone/resnet.js"
import type { Scope } from "../tensor/parameters.js"
import type { SharedFeatures } from "./faster-rcnn.js"
import { isPyramid, type ModelConfig, parseModel } from "./model.js"

/** The ResNet of a detector as it is built: with its conv5 dilated where that is shared at stride 16. */
export function backboneSpec({
  model,
  strideIn,
  shortcut,
}: Pick<ModelConfig, "model" | "strideIn" | "shortcut">): NetworkSpec {
  const { depth, kind } = parseModel(model)
  const spec = resNetSpec(depth, { strideIn, shortcut })
  return kind === "dc5" ? { ...spec, stages: [...spec.stages.slice(0, 3), dilate(spec.stages[3]!, 2)] } : spec
}

/**
 * What all regions share:
 * - `c4`: conv1 to conv4, stride 16 (He et al. 2015, appendix A)
 * - `dc5`: conv1 to a dilated conv5, stride 16 (detectron2's R-DC5 models)
 * - `fpn`: conv1 to conv5 and a pyramid on them (Lin et al. 2017, section 4); `fpn_v2` with norms in the pyramid
 *   (torchvision `fasterrcnn_resnet50_fpn_v2`)
 */
export function buildSharedFeatures(scope: Scope, config: ModelConfig): { backbone: SharedFeatures; channels: number } {
  const { norm, conv5Norm, frozen } = config
  const spec = backboneSpec(config)
  const { kind } = parseModel(config.model)
  if (isPyramid(config.model)) {
    const pyramidNorm = kind === "fpn_v2" ? { pyramidNorm: config.headNorm } : {}
    const backbone = new PyramidTrunk(scope, spec, { norm, conv5Norm, frozen, ...pyramidNorm })
    return { backbone, channels: backbone.channels }
  }
  const trunk = new Trunk(scope, spec, { norm, conv5Norm, frozen, stages: kind === "c4" ? 3 : 4 })
  const backbone: SharedFeatures = {
    frozen: (images) => trunk.frozen(images),
    trainable: (stem) => [trunk.trainable(stem)],
    train: (stem) => [trunk.train(stem)],
  }
  return { backbone, channels: trunk.channels }
}
