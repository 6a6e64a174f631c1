import { Parameters } from "../src/core/parameters.js"
import { seededRandom } from "../src/core/random.js"
import { buildFasterRcnn } from "../src/detector/build.js"
import { type ModelConfig, modelDefaults } from "../src/detector/model.js"
import { preset } from "../src/detector/presets.js"
import { startEngine } from "../src/engine/start.js"
import { saveDetector } from "../src/weights/save.js"

const CLASSES = 90

/**
 * Writes a detector with freshly made weights: torchvision's options for a pyramid, the paper's 300 proposals for C4.
 * @param size of the shorter side at which images enter; the usual one where left out
 * @returns how it is built
 */
export async function saveMadeUp(model: string, path: string, size = modelDefaults.size): Promise<ModelConfig> {
  await startEngine("tensorflow")
  const options = model.endsWith("_fpn") ? preset("torchvision", model).options : modelDefaults.options
  const config: ModelConfig = { ...modelDefaults, size, model, options, conv5Norm: "frozen" }
  const parameters = new Parameters(seededRandom(1))
  buildFasterRcnn(parameters, config, CLASSES)
  const classes = Array.from({ length: CLASSES }, (_, k) => `class ${k + 1}`)
  saveDetector(path, parameters, { config, classes, categoryIds: classes.map((_, k) => k + 1), training: {} })
  parameters.dispose()
  return config
}
