import * as tf from "@tensorflow/tfjs-core"
import { describe } from "vitest"
import type { Parameters } from "../../src/core/parameters.js"
import { onnxRuntimeVersion } from "../../src/engine/onnx-runtime.js"
import { startEngine } from "../../src/engine/start.js"
import { encodeModel } from "../../src/onnx/encode-model.js"
import { Graph, type Value, type WeightSource } from "../../src/onnx/graph.js"
import type { ElementType, OnnxModel } from "../../src/onnx/model.js"
import type { SessionTensor } from "../../src/onnx/runtime.js"
import { openSession } from "../../src/onnx/session.js"
import { toTorchAxes } from "../../src/weights/axes.js"

const missing = onnxRuntimeVersion() === undefined
if (missing) process.stderr.write("skipped: tests of ONNX graphs, as onnxruntime-node is not installed\n")

/** Tests that need ONNX Runtime. */
export const withOnnxRuntime = describe.skipIf(missing)

/** The engine that graphs are compared with. */
export const startReference = () => startEngine("auto")

/** Parameters as a graph takes them. */
export function weightsOf(parameters: Parameters): WeightSource {
  return (name) => {
    const { variable } = parameters.get(name)!
    return toTorchAxes({ shape: variable.shape, values: variable.dataSync<"float32">() })
  }
}

interface Wanted {
  readonly value: Value
  readonly type?: ElementType
  /** How many axes it has. */
  readonly rank: number
}

/** Runs a graph that is put together for a test: float32 `inputs` by their names, outputs in their order. */
export async function runGraph(
  inputs: Readonly<Record<string, SessionTensor>>,
  weights: WeightSource,
  build: (graph: Graph) => readonly Wanted[],
): Promise<SessionTensor[]> {
  const graph = new Graph(weights)
  const anyShape = (name: string, rank: number) => Array.from({ length: rank }, (_, axis) => `${name}_${axis}`)
  for (const [name, { shape }] of Object.entries(inputs)) {
    graph.input({ name, type: "float32", shape: anyShape(name, shape.length) })
  }
  const outputs = build(graph).map(({ value, type = "float32", rank }, i) => {
    graph.output(value, { name: `out_${i}`, type, shape: anyShape(`out_${i}`, rank) })
    return `out_${i}`
  })
  const found = await runModel(graph.model("test", {}), inputs)
  return outputs.map((name) => found[name]!)
}

export async function runModel(model: OnnxModel, inputs: Readonly<Record<string, SessionTensor>>) {
  const session = await openSession(Buffer.concat(encodeModel(model)))
  try {
    return await session.run(inputs)
  } finally {
    session.dispose()
  }
}

/** Maps `[N, H, W, C]` as a graph takes them, `[N, C, H, W]`. */
export function channelsFirst(maps: tf.Tensor4D): SessionTensor {
  return tf.tidy(() => {
    const moved = tf.transpose(maps, [0, 3, 1, 2])
    return { shape: moved.shape, values: moved.dataSync<"float32">() }
  })
}

/** Where a test's graph has no layers. */
export const noWeights: WeightSource = (name) => {
  throw new Error(`no weights: ${name}`)
}
