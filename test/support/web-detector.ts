import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { encodeImage } from "../../datasets/image/encode.js"
import type { BackboneSpec } from "../../src/backbone/backbone.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { modelDefaults, ownModel } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { saveDetector } from "../../src/weights/save.js"
import { startReference } from "./onnx.js"
import { plainBackbone } from "./own-backbones.js"

/** Saves a detector of cats and dogs that finds some in noise, small enough for a browser test. */
export async function saveTinyWebDetector(folder: string): Promise<{ weights: string; backbone: BackboneSpec }> {
  await startReference()
  const parameters = new Parameters(seededRandom(2))
  const backbone = plainBackbone("frozen")
  const { options } = preset("light", "fasterrcnn_resnet18_c4")
  const config = {
    ...modelDefaults,
    model: ownModel,
    size: 80,
    maxSize: 130,
    sizeRule: "torchvision",
    options: {
      ...options,
      anchors: { ...options.anchors, sizes: [16, 32, 64] },
      proposals: { ...options.proposals, test: { ...options.proposals.test, postNmsTopN: 20 } },
    },
  } as const
  buildFasterRcnn(parameters, config, 2, backbone)
  for (const { name, variable } of parameters) {
    // Heads that say something.
    if (/cls_score.weight|cls_logits.weight|bbox_pred.weight/.test(name)) variable.assign(tf.mul(variable, 20))
  }
  const weights = join(folder, "tiny.safetensors")
  const training = { bestScore: 0.4 }
  saveDetector(weights, parameters, { config, classes: ["cat", "dog"], categoryIds: [17, 18], training })
  parameters.dispose()
  return { weights, backbone }
}

/** A PNG in which nothing is to be seen. */
export async function noisePhoto(width: number, height: number): Promise<Uint8Array> {
  const random = seededRandom(3)
  const data = Uint8Array.from({ length: 3 * height * width }, () => random.integer(256))
  return await encodeImage({ data, height, width }, { format: "png" })
}
