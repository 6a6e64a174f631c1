import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, expect, test } from "vitest"
import { RgbPhoto } from "../../datasets/image/photo.js"
import type { BackboneSpec } from "../../src/backbone/backbone.js"
import { Parameters } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { buildFasterRcnn } from "../../src/detector/build.js"
import { detectPhoto } from "../../src/detector/detect-photo.js"
import { modelDefaults, ownModel } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { detectorModel } from "../../src/onnx/file-models.js"
import { Checkpoint } from "../../src/weights/checkpoint.js"
import { expectDetector } from "../../src/weights/open-model.js"
import { saveDetector } from "../../src/weights/save.js"
import { expectClose } from "../support/close.js"
import { runModel, startReference, withOnnxRuntime } from "../support/onnx.js"
import { plainBackbone, twoLevelBackbone } from "../support/own-backbones.js"

const [height, width] = [80, 112]
const folder = mkdtempSync(join(tmpdir(), "resdet-own-"))
afterAll(() => rmSync(folder, { recursive: true }))
const random = seededRandom(3)
const pixels = Uint8Array.from({ length: 3 * height * width }, () => random.integer(256))

withOnnxRuntime("the graph of a detector with a backbone of its own", () => {
  beforeAll(startReference)

  test.each<[string, BackboneSpec, readonly number[]]>([
    ["with batch norms", plainBackbone("batch"), [16, 32, 64]],
    ["with two maps", twoLevelBackbone, [16, 48]],
  ])("detects what the detector does, a backbone %s", async (_, backbone, sizes) => {
    const parameters = new Parameters(seededRandom(2))
    const { options } = preset("light", "fasterrcnn_resnet18_c4")
    const config = {
      ...modelDefaults,
      model: ownModel,
      size: height,
      options: { ...options, anchors: { ...options.anchors, sizes } },
    }
    const detector = buildFasterRcnn(parameters, config, 2, backbone)
    for (const { name, kind, variable } of parameters) {
      // Statistics that are not 0 and 1, and heads that say something.
      if (kind === "statistic") variable.assign(tf.add(variable, 0.3))
      if (/cls_score.weight|cls_logits.weight|bbox_pred.weight/.test(name)) variable.assign(tf.mul(variable, 20))
    }
    const path = join(folder, "own.safetensors")
    saveDetector(path, parameters, { config, classes: ["a", "b"], categoryIds: [1, 2], training: {} })
    using checkpoint = Checkpoint.open(path)
    const info = expectDetector(checkpoint)
    expect(() => detectorModel(checkpoint, info)).toThrow(
      "a backbone of a program's own: pass it as the option backbone",
    )
    const model = detectorModel(checkpoint, info, backbone)
    const photo = new RgbPhoto({ data: pixels, height, width })
    const expected = await detectPhoto([{ detector, config }], photo)
    const values = new Float32Array(3 * height * width)
    for (let at = 0; at < pixels.length; at++)
      values[(at % 3) * height * width + Math.floor(at / 3)] = pixels[at]! / 255
    const found = await runModel(model, { image: { shape: [3, height, width], values } })
    expect(expected.scores.length).toBeGreaterThan(3)
    expect([...found.labels!.values].map(Number)).toEqual([...expected.labels])
    expectClose(found.scores!.values as Float32Array, expected.scores, 1e-4)
    expectClose(found.boxes!.values as Float32Array, expected.boxes, 1e-4)
    parameters.dispose()
  })
})
