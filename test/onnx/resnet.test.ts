import * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { dilate } from "../../src/backbone/architecture.js"
import { ResNet } from "../../src/backbone/classifier.js"
import { networkSpec } from "../../src/backbone/networks.js"
import { resNetParts, runParts, stage } from "../../src/backbone/resnet.js"
import { imageNet } from "../../src/core/normalisation.js"
import { Parameters, Scope } from "../../src/core/parameters.js"
import { seededRandom } from "../../src/core/random.js"
import { createParameters } from "../../src/layers/parameters.js"
import { testingOps } from "../../src/layers/tensor-ops.js"
import { classifierGraph } from "../../src/onnx/classifier-graph.js"
import { graphOps } from "../../src/onnx/graph-ops.js"
import { toTorchAxes } from "../../src/weights/axes.js"
import { adaptNorms } from "../../src/weights/norms.js"
import { expectClose } from "../support/close.js"
import { madeUpMaps, madeUpWeights } from "../support/made-up.js"
import { channelsFirst, runGraph, runModel, startReference, weightsOf, withOnnxRuntime } from "../support/onnx.js"
import { tinyNetwork } from "../support/tiny-network.js"

withOnnxRuntime("the graph of a ResNet", () => {
  beforeAll(startReference)

  test.each(["frozen", "group", "batch"] as const)(
    "has the maps of every stage, with %s norms and odd sizes",
    async (norm) => {
      const parameters = new Parameters(seededRandom(1))
      const network = new ResNet(new Scope(parameters), tinyNetwork, { norm })
      for (const { kind, variable } of parameters)
        if (/norm|statistic/.test(kind)) variable.assign(tf.add(variable, 0.3))
      const images = madeUpMaps("images", [2, 45, 39, 3])
      const found = await runGraph({ images: channelsFirst(images) }, weightsOf(parameters), (graph) =>
        runParts(graphOps(graph), resNetParts(tinyNetwork, { norm }), "images")
          .slice(1)
          .map((value) => ({ value, rank: 4 })),
      )
      const expected = network.stages(images).map(channelsFirst)
      for (const [stage, { shape, values }] of expected.entries()) {
        expect(found[stage]!.shape).toEqual(shape)
        expectClose(found[stage]!.values as Float32Array, values as Float32Array, 1e-4)
      }
    },
  )

  test("has the maps of a dilated stage", async () => {
    const parameters = new Parameters(seededRandom(1))
    const [, last] = tinyNetwork.stages
    const scope = new Scope(parameters)
    const blocks = dilate(last!, 2)
    createParameters(scope, (ops) => stage(ops, blocks, "frozen", null))
    const maps = madeUpMaps("maps", [1, 9, 12, 32])
    const [found] = await runGraph({ maps: channelsFirst(maps) }, weightsOf(parameters), (graph) => [
      { value: stage(graphOps(graph), blocks, "frozen", "maps"), rank: 4 },
    ])
    const expected = channelsFirst(stage<tf.Tensor>(testingOps(scope), blocks, "frozen", maps) as tf.Tensor4D)
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
