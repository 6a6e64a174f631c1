/**
 * What a detection costs on engines that need no native library: ours on TensorFlow.js' WebAssembly, which runs before `setup`, and
 * onnxruntime-web; beside them ONNX Runtime's native library. The same made-up photo by turns; medians of processor time and of time.
 * `node dist/scripts/bench-portable.js WEIGHTS.safetensors EXPORTED.onnx [ROUNDS]`, the second made of the first by `resdet export`.
 * WebAssembly computes in one thread here: onnxruntime-web 1.30 fails to start more of them in Node.
 */
import { readFileSync } from "node:fs"
import * as ort from "onnxruntime-web/wasm"
import { madeUpPhoto } from "../src/predict/made-up-photos.js"
import { openTensorNetwork } from "../src/predict/network.js"
import { openOnnxNetwork } from "../src/predict/onnx-network.js"

const [weights, exported, rounds = "5"] = process.argv.slice(2)
if (weights === undefined || exported === undefined)
  throw new Error("bench-portable: expected weights and an ONNX file")

const photo = madeUpPhoto(480, 640)
const { width, height, data } = photo
const planes = Float32Array.from({ length: 3 * width * height }, (_, i) => {
  const [channel, at] = [Math.floor(i / (width * height)), i % (width * height)]
  return data[at * 3 + channel]! / 255
})
const image = new ort.Tensor("float32", planes, [3, height, width])

async function openWeb() {
  ort.env.wasm.numThreads = 1
  const session = await ort.InferenceSession.create(readFileSync(exported!))
  return async () => {
    const { scores } = await session.run({ image })
    return scores!.dims[0]!
  }
}

const ours = await openTensorNetwork([weights], "wasm")
const native = await openOnnxNetwork(weights)
const engines: Record<string, () => Promise<number>> = {
  "TensorFlow.js, WebAssembly": async () => (await ours.detect(photo, {})).scores.length,
  "onnxruntime-web": await openWeb(),
  "ONNX Runtime, native": async () => (await native.detect(photo, {})).scores.length,
}
const times = new Map(Object.keys(engines).map((name) => [name, [] as { cpu: number; wall: number }[]]))
for (let round = -1; round < Number(rounds); round++) {
  for (const [name, detect] of Object.entries(engines)) {
    const [began, before] = [performance.now(), process.cpuUsage()]
    await detect()
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) times.get(name)!.push({ cpu: (user + system) / 1000, wall: performance.now() - began })
  }
}
const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!
for (const [name, all] of times) {
  const [cpu, wall] = [all.map((one) => one.cpu), all.map((one) => one.wall)].map((one) => Math.round(median(one)))
  process.stdout.write(`${name}: ${cpu} ms of processor time, ${wall} ms\n`)
}
process.exit()
