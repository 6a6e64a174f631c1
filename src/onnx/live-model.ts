import type { BackboneSpec } from "../backbone/backbone.js"
import { detectorSpec, ownDetectorSpec } from "../detector/detector-spec.js"
import type { ModelConfig } from "../detector/model.js"
import { readable } from "../engine/read-back.js"
import type { Parameters } from "../tensor/parameters.js"
import { toTorchAxes } from "../weights/axes.js"
import { detectorGraph } from "./detector-graph.js"
import type { OnnxModel } from "./model.js"

/**
 * The graph of a detector in memory, its batch norms folded.
 * @param parameters those it was built with
 * @param backbone the one it was built with, where that is not the one that `config.model` names
 * @throws UsageError for a detector that has no graph yet
 */
export async function liveDetectorModel(
  parameters: Parameters,
  config: ModelConfig,
  numClasses: number,
  backbone?: BackboneSpec,
  metadata: Readonly<Record<string, string>> = {},
): Promise<OnnxModel> {
  await readable([...parameters].map(({ variable }) => variable))
  const spec = backbone === undefined ? detectorSpec(config) : ownDetectorSpec(backbone, config)
  const weights = (name: string) => {
    const found = parameters.get(name)
    if (found === undefined) throw new Error(`liveDetectorModel: expected a parameter "${name}", got none`)
    return toTorchAxes({ shape: found.variable.shape, values: found.variable.dataSync<"float32">() })
  }
  return detectorGraph(config, numClasses, weights, metadata, spec)
}
