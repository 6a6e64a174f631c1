/**
 * What it gains to record what TensorFlow executes: forward passes operation by operation, as one recorded function, and in
 * bf16 where the processor has it, by turns in one process. Medians and middle halves of time, medians of processor time.
 * A detector's name stands for its shared features and RPN, at a shorter side of `SIZE` and 4:3; any other for a classifier
 * on BATCH squares of SIDE. Weights and images are made up.
 * `node dist/scripts/bench-recorded.js [--detectors fasterrcnn_resnet50_fpn:800 --classifiers resnet50:8:224 --rounds 9 --json FILE]`
 */
import { writeFileSync } from "node:fs"
import * as tf from "@tensorflow/tfjs-core"
import { ResNet } from "../src/backbone/classifier.js"
import { networkSpec } from "../src/backbone/networks.js"
import { Parameters, Scope } from "../src/core/parameters.js"
import { seededRandom } from "../src/core/random.js"
import { buildLayers } from "../src/detector/build.js"
import { modelDefaults } from "../src/detector/model.js"
import { preset } from "../src/detector/presets.js"
import { precisions } from "../src/engine/names.js"
import { bf16Units } from "../src/engine/precision.js"
import { recorded } from "../src/engine/recorded.js"
import { startEngine } from "../src/engine/start.js"
import { machine, type Spread, spread } from "../src/tasks/bench-phases.js"
import { parseFlags } from "./flags.js"

const WARM_UP = 3
type Work = (x: tf.Tensor4D) => readonly tf.Tensor[]

const { values } = parseFlags({
  options: {
    detectors: { type: "string", default: "fasterrcnn_resnet50_fpn:800,fasterrcnn_resnet50_c4:800" },
    classifiers: { type: "string", default: "resnet50:8:224,resnet18:1:224,cifar_resnet20:32:32" },
    rounds: { type: "string", default: "9" },
    json: { type: "string" },
  },
})
const list = (text: string) => text.split(",").filter((name) => name !== "")

await startEngine("tensorflow")
const results = [
  ...list(values.detectors).map((name) => compare(name, detectorOf)),
  ...list(values.classifiers).map((name) => compare(name, classifierOf)),
]
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, results }, null, 2)}\n`)

function detectorOf(parameters: Parameters, model: string, [size = 800]: readonly number[]) {
  const { options } = preset(model.endsWith("_fpn") ? "torchvision" : "paper", model)
  const { backbone, rpnHead } = buildLayers(parameters, { ...modelDefaults, model, conv5Norm: "frozen", options }, 80)
  const work: Work = (images) => {
    const maps = backbone.features(backbone.frozen?.(images) ?? images)
    return [...maps, ...Object.values(rpnHead.apply(maps))]
  }
  return { work, shape: [1, size, Math.round((size * 4) / 3 / 32) * 32, 3] as const }
}

function classifierOf(parameters: Parameters, name: string, [batch = 1, side = 224]: readonly number[]) {
  const network = new ResNet(new Scope(parameters), networkSpec(name))
  return { work: (images: tf.Tensor4D) => [network.dense(images, side)], shape: [batch, side, side, 3] as const }
}

function compare(wanted: string, make: typeof detectorOf | typeof classifierOf) {
  const [name = "", ...sizes] = wanted.split(":")
  const parameters = new Parameters(seededRandom(0))
  const { work, shape } = make(parameters, name, sizes.map(Number))
  const possible = bf16Units().length > 0 ? precisions : (["float32"] as const)
  const functions = possible.map((precision) => [`recorded, ${precision}`, recorded(work, precision)] as const)
  const contenders: readonly (readonly [string, Work])[] = [["operation by operation", work], ...functions]
  const x = tf.randomUniform<tf.Rank.R4>([...shape], -1, 1, "float32", 0)
  const times = contenders.map(() => ({ wall: [] as number[], cpu: [] as number[] }))
  for (let round = 0; round < WARM_UP + Number(values.rounds); round++) {
    for (const [i, [, run]] of contenders.entries()) {
      const [began, before] = [performance.now(), process.cpuUsage()]
      tf.tidy(() => void run(x).at(-1)!.dataSync())
      const { user, system } = process.cpuUsage(before)
      if (round < WARM_UP) continue
      times[i]!.wall.push(performance.now() - began)
      times[i]!.cpu.push((user + system) / 1000)
    }
  }
  x.dispose()
  parameters.dispose()
  const rows = contenders.map(([who], i) => ({ who, wall: spread(times[i]!.wall), cpu: spread(times[i]!.cpu).median }))
  process.stdout.write(`${machine}; ${wanted}; milliseconds: median, middle half of ${values.rounds}, CPU\n`)
  for (const row of rows) process.stdout.write(line(row, rows[0]!))
  return { wanted, rows }
}

interface Row {
  readonly who: string
  readonly wall: Spread
  readonly cpu: number
}

function line({ who, wall, cpu }: Row, { wall: first }: Row): string {
  const numbers = [wall.median, wall.lower, wall.upper, cpu].map((ms) => ms.toFixed(1).padStart(9)).join("")
  return `  ${who.padEnd(28)}${numbers} ${(first.median / wall.median).toFixed(2).padStart(6)} x\n`
}
