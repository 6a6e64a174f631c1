import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { dilate } from "../../src/backbone/architecture.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { ResNet, Trunk } from "../../src/backbone/resnet.js"
import { Stage } from "../../src/backbone/stage.js"
import { classifierGraph } from "../../src/onnx/classifier-graph.js"
import { stage, stages } from "../../src/onnx/resnet.js"
import { imageNet } from "../../src/tensor/normalisation.js"
import { Parameters, Scope } from "../../src/tensor/parameters.js"
import { seededRandom } from "../../src/tensor/random.js"
import { toTorchAxes } from "../../src/weights/axes.js"
import { adaptNorms } from "../../src/weights/norms.js"
import { expectClose } from "../support/close.js"
import { madeUpMaps, madeUpWeights } from "../support/made-up.js"
import { channelsFirst, runGraph, runModel, startReference, weightsOf, withOnnxRuntime } from "../support/onnx.js"
import { tinyNetwork } from "../support/tiny-network.js"

withOnnxRuntime("the graph of a ResNet", () => {
  beforeAll(startReference)

  test.each(["frozen", "group"] as const)("has the maps of every stage, with %s norms and odd sizes", async (norm) => {
    const parameters = new Parameters(seededRandom(1))
    const trunk = new Trunk(new Scope(parameters), tinyNetwork, { norm, stages: 2 })
    for (const { kind, variable } of parameters) if (kind === "norm") variable.assign(tf.add(variable, 0.3))
    const images = madeUpMaps("images", [2, 45, 39, 3])
    const found = await runGraph({ images: channelsFirst(images) }, weightsOf(parameters), (graph) =>
      stages(graph, "images", "", tinyNetwork, { norm }).map((value) => ({ value, rank: 4 })),
    )
    const expected = trunk.pyramid(images).map(channelsFirst)
    for (const [stage, { shape, values }] of expected.entries()) {
      expect(found[stage]!.shape).toEqual(shape)
      expectClose(found[stage]!.values as Float32Array, values as Float32Array, 1e-4)
    }
  })

  test("has the maps of a dilated stage", async () => {
    const parameters = new Parameters(seededRandom(1))
    const [, last] = tinyNetwork.stages
    const own = new Stage(new Scope(parameters), dilate(last!, 2), "frozen")
    const maps = madeUpMaps("maps", [1, 9, 12, 32])
    const [found] = await runGraph({ maps: channelsFirst(maps) }, weightsOf(parameters), (graph) => [
      { value: stage(graph, "maps", "", dilate(last!, 2), "frozen"), rank: 4 },
    ])
    const expected = channelsFirst(own.forward(maps))
    expect(found!.shape).toEqual(expected.shape)
    expectClose(found!.values as Float32Array, expected.values as Float32Array, 1e-4)
  })

  test.each([
    ["cifar_resnet20", { zeros: "both" }],
    ["cifar_resnet20", { zeros: "after" }],
    ["cifar_plain20", {}],
  ] as const)("classifies as %s does, %o, any number of images", async (name, options) => {
    const spec = networkSpec(name, options)
    const weights = madeUpWeights(spec)
    const parameters = new Parameters(seededRandom(1), weights)
    const network = new ResNet(new Scope(parameters), spec, { classes: 1000 })
    const folded = adaptNorms(weights, () => "frozen")
    const config = { network: name, options, size: 32, ...imageNet }
    const model = classifierGraph(config, 1000, (name) => toTorchAxes(folded.get(name)!))
    for (const count of [1, 3]) {
      const images = madeUpMaps(`images ${count}`, [count, 32, 32, 3])
      const { logits } = await runModel(model, { images: channelsFirst(images) })
      expect(logits!.shape).toEqual([count, 1000])
      expectClose(
        logits!.values as Float32Array,
        tf.tidy(() => network.forward(images).dataSync()),
        1e-4,
      )
    }
    parameters.dispose()
  })
})
