/**
 * What it would gain to detect several images of one size in one call: a detector's shared features and RPN on batches, beside single
 * calls, by turns in one process; on native TensorFlow as a recorded function, and on ONNX Runtime as a graph that takes any number
 * of images. Medians of time and of processor time by image, and how far the RPN's results are from those of single calls, of the largest
 * value. Weights and images are made up; images are 4:3.
 * `node dist/scripts/bench-batches.js [--model fasterrcnn_resnet50_fpn --sizes 400,800 --batches 1,2,4 --rounds 9]`
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { describedMaps } from "../src/backbone/backbone.js"
import { Parameters } from "../src/core/parameters.js"
import { seededRandom } from "../src/core/random.js"
import { buildLayers, rpnHeadSizes } from "../src/detector/build.js"
import { detectorSpec } from "../src/detector/detector-spec.js"
import { recordLayers } from "../src/detector/record-layers.js"
import { encodeModel } from "../src/onnx/encode-model.js"
import { Graph } from "../src/onnx/graph.js"
import { graphOps } from "../src/onnx/graph-ops.js"
import { openSession } from "../src/onnx/session.js"
import { rpnHead } from "../src/rpn/head.js"
import { machine, spread } from "../src/tasks/bench-phases.js"
import { toTorchAxes } from "../src/weights/axes.js"
import { Checkpoint } from "../src/weights/checkpoint.js"
import { detectorWeights } from "../src/weights/plan.js"
import { parseFlags } from "./flags.js"
import { saveMadeUp } from "./made-up-weights.js"

const WARM_UP = 3

/** `[N, H, W, 3]` as values; what it returns are the values of each result, image by image. */
type Run = (values: Float32Array, shape: readonly [number, number, number, number]) => Promise<readonly Float32Array[]>

const { values } = parseFlags({
  options: {
    model: { type: "string", default: "fasterrcnn_resnet50_fpn" },
    sizes: { type: "string", default: "400,800" },
    batches: { type: "string", default: "1,2,4" },
    rounds: { type: "string", default: "9" },
  },
})
const numbers = (text: string) => text.split(",").map(Number)

const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
const weights = join(folder, "weights.safetensors")
const config = await saveMadeUp(values.model, weights)
const checkpoint = Checkpoint.open(weights)
const engines: Readonly<Record<string, Run>> = { TensorFlow: onTensorFlow(), "ONNX Runtime": await onOnnxRuntime() }
checkpoint.close()
rmSync(folder, { recursive: true })
for (const size of numbers(values.sizes)) {
  for (const engine of Object.keys(engines)) await compare(engine, size)
}
process.exit()

function onTensorFlow(): Run {
  const layers = buildLayers(new Parameters(seededRandom(1)), config, 90)
  const { backbone, rpnHead } = recordLayers(layers, "float32")
  return async (images, shape) => {
    const made = tf.tidy(() => {
      const x = tf.tensor4d(images, [...shape])
      const maps = backbone.features(backbone.frozen?.(x) ?? x)
      const { logits, deltas } = rpnHead.apply(maps)
      return [logits, deltas]
    })
    const results = made.map((one) => one.dataSync() as Float32Array)
    tf.dispose(made)
    return results
  }
}

async function onOnnxRuntime(): Promise<Run> {
  const spec = detectorSpec(config)
  const found = detectorWeights(checkpoint, config)
  const graph = new Graph((name) => toTorchAxes(found.get(name)!))
  const ops = graphOps(graph)
  const pixels = graph.input({ name: "pixels", type: "float32", shape: ["images", 3, "height", "width"] })
  const maps = describedMaps(ops.in("backbone"), spec.backbone, pixels)
  const said = maps.map((one) => rpnHead(ops.in("rpn").in("head"), rpnHeadSizes(spec, config), one))
  const outputs = said.flatMap(({ logits, deltas }) => [logits, deltas])
  outputs.forEach((one, i) => {
    graph.output(one, {
      name: `output_${i}`,
      type: "float32",
      shape: ["images", "channels", `height_${i}`, `width_${i}`],
    })
  })
  const session = await openSession(Buffer.concat(encodeModel(graph.model("shared", {}))))
  return async (images, [count, height, width]) => {
    const made = await session.run({ pixels: { shape: [count, 3, height, width], values: images } })
    return outputs.map((_, i) => made[`output_${i}`]!.values as Float32Array)
  }
}

async function compare(engine: string, size: number) {
  const run = engines[engine]!
  const [height, width] = [size, Math.round((size * 4) / 3)].map((side) => Math.ceil(side / 32) * 32) as [
    number,
    number,
  ]
  const random = seededRandom(size)
  const perImage = 3 * height * width
  const batches = numbers(values.batches).map((count) => ({ count, wall: [] as number[], cpu: [] as number[] }))
  const images = Float32Array.from(
    { length: perImage * Math.max(...batches.map(({ count }) => count)) },
    () => 2 * random.uniform() - 1,
  )
  const call = (from: number, count: number) =>
    run(images.subarray(from * perImage, (from + count) * perImage), [count, height, width, 3])
  for (let round = 0; round < WARM_UP + Number(values.rounds); round++) {
    for (const { count, wall, cpu } of batches) {
      const [began, before] = [performance.now(), process.cpuUsage()]
      await call(0, count)
      const [time, { user, system }] = [performance.now() - began, process.cpuUsage(before)]
      if (round < WARM_UP) continue
      wall.push(time / count)
      cpu.push((user + system) / 1000 / count)
    }
  }
  process.stdout.write(
    `${machine}; ${values.model} at ${height}x${width}, ${engine}; milliseconds an image: time (middle half), processor; medians of ${values.rounds}\n`,
  )
  for (const { count, wall, cpu } of batches) {
    const { median, lower, upper } = spread(wall)
    const figures = [median, lower, upper, spread(cpu).median].map((ms) => ms.toFixed(1).padStart(9)).join("")
    process.stdout.write(
      `  ${String(count).padEnd(4)}${figures}  ${(await distance(call, count)).toExponential(1)} apart\n`,
    )
  }
}

/** How far a batch's results are from those of its images alone, of the largest value of each result. */
async function distance(call: (from: number, count: number) => ReturnType<Run>, count: number): Promise<number> {
  const together = await call(0, count)
  let most = 0
  for (let image = 0; image < count; image++) {
    const alone = await call(image, 1)
    for (const [i, own] of alone.entries()) {
      const largest = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
      own.forEach((value, at) => {
        most = Math.max(most, Math.abs(value - together[i]![image * own.length + at]!) / largest)
      })
    }
  }
  return most
}
