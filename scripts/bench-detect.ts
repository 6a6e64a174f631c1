/**
 * How long a detection takes: ours on TensorFlow (operation by operation, recorded, in bf16) and on ONNX Runtime, and, with
 * `--peer` a Python that has torchvision, onnx and onnxruntime, torchvision's own detector of the same weights, eagerly, in
 * bf16, and as its own ONNX export, which OpenVINO runs too where that Python has it. All detect the same photo by turns,
 * so that whatever else the machine does meets all alike: medians of time and of processor time, and each one's time as a
 * multiple of ours on ONNX Runtime, the median over the rounds. Weights and photo are made up.
 * `npm run bench:detect [-- --peer python3 --rounds 7 --models fasterrcnn_resnet50_fpn,... --json FILE]`
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { ModelConfig } from "../src/detector/model.js"
import { bf16Units } from "../src/engine/precision.js"
import { compareDetections } from "../src/predict/compare-detectors.js"
import { madeUpPhoto } from "../src/predict/made-up-photos.js"
import { openTensorNetwork } from "../src/predict/network.js"
import { openOnnxNetwork } from "../src/predict/onnx-network.js"
import type { PixelDetector } from "../src/predict/pixel-detector.js"
import { type Peer, startPeer, type Times } from "./bench-detect-peer.js"
import { parseFlags } from "./flags.js"
import { saveMadeUp } from "./made-up-weights.js"

const WARM_UP = 3
/** Milliseconds: the runtimes' idle threads spin for a while after their work. */
const PAUSE = 300
const OURS = "ours, ONNX Runtime"

const { values } = parseFlags({
  options: {
    models: { type: "string", default: "fasterrcnn_resnet50_fpn,fasterrcnn_resnet18_c4" },
    rounds: { type: "string", default: "7" },
    peer: { type: "string" },
    json: { type: "string" },
  },
})
const photo = madeUpPhoto(480, 640)
const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
try {
  const results = []
  for (const model of values.models.split(",")) results.push(await bench(model))
  const machine = { node: process.version, cpu: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}` }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...machine, results }, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true })
}

async function bench(model: string) {
  const weights = join(folder, `${model}.safetensors`)
  const config = await saveMadeUp(model, weights)
  const ours: Record<string, PixelDetector> = {
    "ours, TensorFlow, eager": await openUnrecorded(weights),
    "ours, TensorFlow": await openTensorNetwork([weights], "tensorflow"),
    ...(bf16Units().length > 0 && {
      "ours, TensorFlow, bf16": await openTensorNetwork([weights], "tensorflow", { precision: "bf16" }),
    }),
    [OURS]: await openOnnxNetwork(weights),
  }
  const peer = values.peer === undefined ? undefined : await startPeer(values.peer, { weights, config, photo, folder })
  try {
    if (peer !== undefined) await checkSame(ours[OURS]!, config, peer)
    const contenders: Record<string, () => Promise<Times>> = {
      ...Object.fromEntries(Object.entries(ours).map(([name, network]) => [name, () => timed(network)])),
      ...peer?.contenders,
    }
    const rounds: Record<string, Times>[] = []
    for (let round = 0; round < WARM_UP + Number(values.rounds); round++) {
      const times: Record<string, Times> = {}
      for (const [name, detect] of Object.entries(contenders)) {
        await pause(PAUSE)
        times[name] = await detect()
      }
      if (round >= WARM_UP) rounds.push(times)
    }
    const rows = Object.keys(contenders).map((name) => summary(name, rounds))
    process.stdout.write(table(model, peer, rows))
    return { model, ...peer?.facts, rows }
  } finally {
    for (const network of Object.values(ours)) network.dispose()
    peer?.stop()
  }
}

/** On TensorFlow, operation by operation. */
async function openUnrecorded(weights: string): Promise<PixelDetector> {
  process.env.RESDET_RECORD = "off"
  try {
    return await openTensorNetwork([weights], "tensorflow")
  } finally {
    delete process.env.RESDET_RECORD
  }
}

/** That both detect the same: else their times mean nothing. */
async function checkSame(network: PixelDetector, { options }: ModelConfig, { facts, found }: Peer): Promise<void> {
  const { postNmsTopN } = options.proposals.test
  if (facts.proposals !== postNmsTopN) throw new Error(`expected ${postNmsTopN} proposals, got ${facts.proposals}`)
  const { score, maxDetections } = options.select
  const own = await network.detect(photo, {})
  const { same, alone } = compareDetections(own, found, { score, maxDetections })
  if (alone > 0.05 * (same + alone)) throw new Error(`torchvision has ${alone} other detections, ${same} are the same`)
}

async function timed(network: PixelDetector): Promise<Times> {
  const [began, before] = [performance.now(), process.cpuUsage()]
  await network.detect(photo, {})
  const { user, system } = process.cpuUsage(before)
  return { wall: performance.now() - began, cpu: (user + system) / 1000 }
}

interface Row extends Times {
  readonly name: string
  /** The middle half of the times lies between these. */
  readonly lower: number
  readonly upper: number
  /** Its time by that of ours on ONNX Runtime. */
  readonly ratio: number
}

function summary(name: string, rounds: readonly Record<string, Times>[]): Row {
  const at = (share: number, numbers: number[]) =>
    numbers.sort((a, b) => a - b)[Math.round(share * (numbers.length - 1))]!
  const walls = rounds.map((times) => times[name]!.wall)
  const ratio = at(
    0.5,
    rounds.map((times) => times[name]!.wall / times[OURS]!.wall),
  )
  const cpu = at(
    0.5,
    rounds.map((times) => times[name]!.cpu),
  )
  return { name, wall: at(0.5, walls), lower: at(0.25, walls), upper: at(0.75, walls), cpu, ratio }
}

function table(model: string, peer: Peer | undefined, rows: readonly Row[]): string {
  const head = [`${model}, 480x640 at 800 / 1333`]
  if (peer !== undefined) {
    const { versions, proposals } = peer.facts
    head.push(`${proposals} proposals`, ...Object.entries(versions).map(([name, version]) => `${name} ${version}`))
  }
  const lines = rows.map(({ name, wall, lower, upper, cpu, ratio }) => {
    const numbers = [wall, lower, upper, cpu].map((ms) => ms.toFixed(0).padStart(9))
    return `${name.padEnd(28)}${numbers.join("")}${ratio.toFixed(2).padStart(9)}`
  })
  const titles = ["median", "25 %", "75 %", "CPU", "times"].map((title) => title.padStart(9))
  return `${head.join(", ")}\n${"milliseconds".padEnd(28)}${titles.join("")}\n${lines.join("\n")}\n\n`
}
