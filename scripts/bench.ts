/**
 * Where the time of training, detection, loading and evaluation goes, phase by phase: medians with the middle half, and
 * peak memory. Weights and photos (640x480) are made from a seed. With `--peer` a Python that has torchvision, its training
 * step of the same detector on the same machine in the same run, the two taking turns. A table on stdout; `--json FILE`
 * for the numbers. `bench-detect.ts` has detection beside torchvision and ONNX Runtime, `bench-eval.ts` evaluation beside
 * pycocotools, `bench-classify.ts` classifiers beside torch.
 * `npm run bench [-- --models fasterrcnn_resnet50_fpn --sizes 600,800 --batch 1 --rounds 3 --steps 3 --peer python3]`
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { phaseTable, tableLine } from "../src/cli/bench.js"
import { type ModelConfig, modelDefaults, parseModel } from "../src/detector/model.js"
import { preset } from "../src/detector/presets.js"
import { evaluateCoco, readCocoDetections, readCocoTruths } from "../src/eval/public.js"
import { readBytes } from "../src/json/read-bytes.js"
import { machine, phases, spread } from "../src/tasks/bench-phases.js"
import { makePhotos } from "../src/tasks/bench-photos.js"
import { timeLoading } from "../src/tasks/bench-rounds.js"
import type { BenchReport } from "./bench-detector.js"
import { cocoSize, writeBenchData } from "./bench-eval-data.js"
import { parseFlags } from "./flags.js"
import { timedPeers } from "./timed-peers.js"

const { values } = parseFlags({
  options: {
    models: { type: "string", default: "fasterrcnn_resnet18_c4,fasterrcnn_resnet50_c4,fasterrcnn_resnet50_fpn" },
    sizes: { type: "string", default: "600,800" },
    batch: { type: "string", default: "1" },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "3" },
    engine: { type: "string", default: "auto" },
    peer: { type: "string" },
    json: { type: "string" },
  },
})
const sizes = values.sizes.split(",").map(Number)
const [batch, rounds, steps] = [values.batch, values.rounds, values.steps].map(Number) as [number, number, number]
const layouts = timedPeers(["contiguous", "channels_last", "bf16"])

process.stdout.write(`${machine}; milliseconds: median, middle half of ${rounds} x ${steps}\n\n`)
const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
try {
  const detectors = values.models.split(",").flatMap((model) => sizes.map((size) => benchDetector(model, size)))
  const loading = []
  for (const size of sizes) loading.push(await benchLoading(size))
  const result = { machine, batch, detectors, loading, evaluation: await benchEvaluation() }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`)
} finally {
  rmSync(folder, { recursive: true })
}

/**
 * A pyramid with torchvision's own options (512 regions a photo); C4 with the paper's 128, aligned, as torchvision pools
 * no other way. What a trained backbone freezes is frozen.
 */
function configOf(model: string, size: number): ModelConfig {
  const pyramid = parseModel(model).kind !== "c4"
  const { options, size: usual, maxSize } = preset(pyramid ? "torchvision" : "paper", model)
  const align = pyramid ? options.align : { ...options.align, operator: "align" as const }
  const sides = { size, maxSize: Math.round((size * maxSize) / usual) }
  return { ...modelDefaults, ...sides, model, conv5Norm: "frozen", options: { ...options, align } }
}

function benchDetector(model: string, size: number) {
  const config = configOf(model, size)
  const own: BenchReport[] = []
  const peers = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    const args = [JSON.stringify(config), batch, steps, values.engine].map(String)
    own.push(ask<BenchReport>(process.execPath, [join(import.meta.dirname, "bench-detector.js"), ...args]))
    if (values.peer === undefined) continue
    for (const layout of layouts) {
      const script = join(import.meta.dirname, "../../scripts/bench_train_peer.py")
      const peer = ask<{ version: string; step: number[] }>(values.peer, [script, ...args.slice(0, 3), layout])
      const name = `torchvision ${peer.version}, ${layout}`
      peers.set(name, [...(peers.get(name) ?? []), ...peer.step])
    }
  }
  const training = phases(own.flatMap((report) => report.training))
  const detection = phases(own.flatMap((report) => report.detection))
  const others = [...peers].map(([name, times]) => ({ name, ...spread(times) }))
  const peakMemory = Math.max(...own.map((report) => report.peakMemory))
  const head = `${model}, shorter side ${size}, ${own[0]!.engine}, peak memory ${(peakMemory / 2 ** 30).toFixed(2)} GB`
  const all = training.at(-1)!.median
  const beside = others.map(({ name, ...times }) => tableLine(name, times, `${(times.median / all).toFixed(2)} x`))
  const tables = [
    phaseTable(`training step of ${batch}`, training),
    ...beside,
    "",
    phaseTable("detection of 1", detection),
  ]
  process.stdout.write(`${[head, ...tables, ""].join("\n")}\n`)
  return { model, size, training, detection, peers: others, peakMemory }
}

/** Photos a second, from files to batches. */
async function benchLoading(size: number) {
  const photos = await makePhotos(folder, 64)
  const maxSize = Math.round((size * 5) / 3)
  const photosPerSecond = spread(await timeLoading(photos, { size, maxSize }, rounds)).median
  process.stdout.write(`loading by two threads, shorter side ${size}: ${photosPerSecond.toFixed(0)} photos a second\n`)
  if (values.peer === undefined) return { size, photosPerSecond }
  const script = join(import.meta.dirname, "../../scripts/bench_loading_peer.py")
  const args = [script, folder, size, maxSize, rounds].map(String)
  const peer = ask<{ version: string; photosPerSecond: number[] }>(values.peer, args)
  const peers = spread(peer.photosPerSecond).median
  process.stdout.write(`  torchvision ${peer.version}, two DataLoader workers: ${peers.toFixed(0)}\n`)
  return { size, photosPerSecond, peer: { version: peer.version, photosPerSecond: peers } }
}

/** A tenth of COCO's val2017 and of as many detections as an evaluation of it has. */
async function benchEvaluation() {
  const [truthFile, resultFile] = [join(folder, "truths.json"), join(folder, "results.json")]
  const size = { ...cocoSize, images: 500, truths: 3600, detections: 45_000 }
  writeBenchData(truthFile, resultFile, size)
  const times = { load: [] as number[], evaluate: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    const truths = await readCocoTruths(readBytes(truthFile), truthFile)
    const detections = await readCocoDetections(truths, readBytes(resultFile), resultFile)
    const loaded = performance.now()
    evaluateCoco(truths, detections)
    times.load.push(loaded - start)
    times.evaluate.push(performance.now() - loaded)
  }
  const result = { ...size, load: spread(times.load), evaluate: spread(times.evaluate) }
  const { load, evaluate } = result
  process.stdout.write(`evaluation, ${size.images} images, ${size.detections} detections:\n`)
  process.stdout.write(`${tableLine("reading", load, "")}\n${tableLine("scoring", evaluate, "")}\n`)
  return result
}

function ask<Answer>(program: string, args: readonly string[]): Answer {
  return JSON.parse(execFileSync(program, args, { encoding: "utf8", maxBuffer: 2 ** 28 })) as Answer
}
