import { DataError } from "../core/errors.js"
import type { Normalisation } from "../core/normalisation.js"
import { Parameters, type Weights } from "../core/parameters.js"
import { seededRandom } from "../core/random.js"
import { firstFew, shown } from "../core/shown.js"
import { buildFasterRcnn } from "../detector/build.js"
import { type ModelConfig, parseModel } from "../detector/model.js"
import { startEngine } from "../engine/start.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { cocoLabels, type Labels } from "../weights/coco-classes.js"
import { belongsToNetwork, likelyNetwork } from "../weights/likely-network.js"
import { severalNetworks } from "../weights/names.js"
import { detectorWeights, expectNetwork, kindOf, type ModelOverrides, planModel, planPreset } from "../weights/plan.js"
import { saveDetector } from "../weights/save.js"
import { choiceOf, expectNumbers, type ImportedWeights } from "./import-weights.js"

interface DetectorImport extends Pick<ModelOverrides, "strideIn"> {
  readonly mean: Normalisation["mean"] | undefined
  readonly std: Normalisation["std"] | undefined
  readonly key: string | undefined
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
  const { key, model, out, strideIn, mean, std } = overrides
  using checkpoint = Checkpoint.open(file, key)
  expectModelOf(checkpoint, model)
  const input = { ...(mean && { mean }), ...(std && { std }) }
  const preset = planPreset(checkpoint, model, "torchvision")
  const planned = planModel(checkpoint, { model, preset, strideIn, input })
  const weights = detectorWeights(checkpoint, planned)
  if (!/^a (resnet|fasterrcnn|ResNet of)/.test(likelyNetwork(checkpoint))) {
    expectSameNetwork(checkpoint, model, [...checkpoint.tensors.keys()], true)
  }
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
    const beyond = parameters.unused().filter(belongsToNetwork)
    expectSameNetwork(checkpoint, model, [...beyond, ...initialised], beyond.length > 0)
    if (initialised.length > 0) {
      throw new DataError(`${file}: does not fill ${model}: ${firstFew(initialised)} missing or of another shape`)
    }
    expectNumbers(file, loadedWeights(weights, parameters))
    saveDetector(out, parameters, { config, classes, categoryIds, training: {} })
    const count = [...parameters].length
    const leftOut = parameters.unused()
    return {
      kind: "detector",
      ...{ out, model, loaded: count, tensors: count, classes },
      zeros: null,
      leftOut,
      table: choiceOf(checkpoint),
    }
  } finally {
    parameters.dispose()
  }
}

/** @throws UsageError for a file whose network is known to be another: here it is always said which */
function expectModelOf(checkpoint: Checkpoint, model: string): void {
  const { network } = checkpoint.origin
  const kind = kindOf(checkpoint)
  const own = kind === undefined ? network : `fasterrcnn_${network}_${kind}`
  expectNetwork(checkpoint, `resnet${parseModel(model).depth}`, `give --model ${own}`)
}

function labelsOf(count: number, names: DetectorImport["names"]): Labels {
  const numbers = Array.from({ length: count }, (_, k) => k + 1)
  if (names !== undefined) return { classes: names(count), categoryIds: numbers }
  return cocoLabels(count) ?? { classes: numbers.map(String), categoryIds: numbers }
}

const loadedWeights = (weights: Weights, { loaded }: Parameters) =>
  loaded.map((name) => [name, weights.get(name)!] as const)

/**
 * What does not fit is the sign of another network, where the names and shapes tell which.
 * @param faults what the file lacks, has otherwise, or has beyond the model
 * @param refuses also where it is not told which
 * @throws DataError naming the likely network
 */
export function expectSameNetwork(
  checkpoint: Checkpoint,
  model: string,
  faults: readonly string[],
  refuses: boolean,
): void {
  if (faults.length === 0) return
  const { path, tensors } = checkpoint
  const several = severalNetworks(tensors.keys())
  if (several) throw new DataError(`${path}: ${several.text}. Choose one with --key`)
  const likely = likelyNetwork(checkpoint)
  const isSame = likely === `a ${model}` || model.includes(`_${likely.slice(2)}_`)
  // A file that ends early, such as a backbone without its last stage, is incomplete; one that lacks blocks before is another.
  const isCut = likely.startsWith("a ResNet of") && !faults.some(isBeforeLastStage(model))
  if (!refuses && (likely === "another network" || isSame || isCut)) return
  const said = isSame ? `has the layers of a ${model} and others` : `is probably ${likely}, not a ${model}`
  throw new DataError(`${path}: ${said}: ${firstFew(faults.map(shown))} do not fit`)
}

/** Whether a fault stands in a stage that others follow: CIFAR networks have three. */
const isBeforeLastStage = (model: string) => {
  const last = model.startsWith("cifar") ? 3 : 4
  return (fault: string) => Number(/(?:^|\.)layer(\d)\./.exec(fault)?.[1] ?? last) < last
}
