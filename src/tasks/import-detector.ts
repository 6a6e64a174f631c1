import { DataError } from "../core/errors.js"
import type { Normalisation } from "../core/normalisation.js"
import { Parameters } from "../core/parameters.js"
import { seededRandom } from "../core/random.js"
import { buildFasterRcnn } from "../detector/build.js"
import type { ModelConfig } from "../detector/model.js"
import { startEngine } from "../engine/start.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { cocoLabels, type Labels } from "../weights/coco-classes.js"
import { detectorWeights, type ModelOverrides, planModel, planPreset } from "../weights/plan.js"
import { saveDetector } from "../weights/save.js"
import type { ImportedWeights } from "./import-weights.js"

interface DetectorImport extends Pick<ModelOverrides, "strideIn"> {
  readonly mean: Normalisation["mean"] | undefined
  readonly std: Normalisation["std"] | undefined
  readonly model: string
  readonly out: string
  /** The K names of the classes, when they are not COCO's. */
  readonly names: ((count: number) => readonly string[]) | undefined
}

const head = "roi_heads.box_predictor."

/**
 * A whole detector's file of torchvision's or detectron2's as a detector that `detect` and `eval` run: its weights, the
 * options of whose file it is, and COCO's categories.
 * @throws DataError when the file does not fill the model
 */
export async function importDetector(file: string, overrides: DetectorImport): Promise<ImportedWeights> {
  const { model, out, strideIn, mean, std } = overrides
  using checkpoint = Checkpoint.open(file)
  const input = { ...(mean && { mean }), ...(std && { std }) }
  const preset = planPreset(checkpoint, model, "torchvision")
  const planned = planModel(checkpoint, { model, preset, strideIn, input })
  const weights = detectorWeights(checkpoint, planned)
  const outputs = weights.get(`${head}cls_score.bias`)?.shape[0]
  if (outputs === undefined) {
    throw new DataError(
      `${file}: holds no "${head}cls_score". A backbone is imported as a classifier: --model resnet50`,
    )
  }
  const { classes, categoryIds } = labelsOf(outputs - 1, overrides.names)
  const classAgnostic = weights.get(`${head}bbox_pred.bias`)?.shape[0] === 4
  const config: ModelConfig = {
    ...planned,
    options: { ...planned.options, roi: { ...planned.options.roi, classAgnostic } },
  }
  await startEngine()
  const parameters = new Parameters(seededRandom(0), weights)
  try {
    buildFasterRcnn(parameters, config, classes.length)
    const { initialised } = parameters
    if (initialised.length > 0) {
      throw new DataError(`${file}: does not fill ${model}: ${firstThree(initialised)} missing or of another shape`)
    }
    const beyond = parameters.unused().filter((name) => /^(backbone|rpn)\.|\.layer\d+\./.test(name))
    if (beyond.length > 0) throw new DataError(`${file}: holds more layers than a ${model}: ${firstThree(beyond)}`)
    saveDetector(out, parameters, { config, classes, categoryIds, training: {} })
    const count = [...parameters].length
    const leftOut = parameters.unused()
    return { kind: "detector", ...{ out, model, loaded: count, tensors: count, classes }, zeros: null, leftOut }
  } finally {
    parameters.dispose()
  }
}

function labelsOf(count: number, names: DetectorImport["names"]): Labels {
  const numbers = Array.from({ length: count }, (_, k) => k + 1)
  if (names !== undefined) return { classes: names(count), categoryIds: numbers }
  return cocoLabels(count) ?? { classes: numbers.map(String), categoryIds: numbers }
}

/** The first three of what a file lacks or has otherwise, and how many more there are. */
export function firstThree(faults: readonly string[]): string {
  const more = faults.length > 3 ? ` and ${faults.length - 3} more` : ""
  return faults.slice(0, 3).join(", ") + more
}
