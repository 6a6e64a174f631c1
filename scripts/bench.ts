/**
 * Where the time of a training step and of a detection goes: medians with their spread, phase by phase, of
 * `fasterrcnn_resnet18_c4` in the `light` preset with the parts frozen that a trained backbone freezes. Pictures and
 * weights are made from a seed. A table on stdout; `--json FILE` for the numbers.
 * `npm run bench [-- --size 400 --batch 2 --steps 20 --engine auto --json FILE]`
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as tf from "@tensorflow/tfjs-core"
import { makeShapes } from "../datasets/digits.js"
import { BatchLoader } from "../datasets/loader/batch-loader.js"
import { streamImages } from "../datasets/loader/stream.js"
import { readDataset } from "../datasets/read.js"
import { buildFasterRcnn } from "../src/detector/build.js"
import { modelDefaults } from "../src/detector/model.js"
import { preset } from "../src/detector/presets.js"
import { type EngineChoice, startEngine } from "../src/engine/start.js"
import { UsageError } from "../src/tensor/errors.js"
import { Parameters } from "../src/tensor/parameters.js"
import { mixSeeds, seededRandom } from "../src/tensor/random.js"
import { Sgd } from "../src/train/sgd.js"
import { trainStep } from "../src/train/step.js"

const SEED = 0
const CLASSES = 3
const WARM_UP = 3

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "400" },
    batch: { type: "string", default: "2" },
    steps: { type: "string", default: "20" },
    engine: { type: "string", default: "auto" },
    json: { type: "string" },
  },
})
const [size, batch, steps] = [values.size, values.batch, values.steps].map(atLeastOne) as [number, number, number]

/** Milliseconds since the lap before, by phase; a phase that comes twice in a round is added up. */
class Laps {
  readonly #rounds: Map<string, number>[] = []
  #since = performance.now()

  begin(): void {
    this.#rounds.push(new Map())
    this.#since = performance.now()
  }

  readonly lap = (phase: string): void => {
    const now = performance.now()
    const round = this.#rounds.at(-1)!
    round.set(phase, (round.get(phase) ?? 0) + now - this.#since)
    this.#since = now
  }

  /** Of the rounds behind the warm-up, with their sum as `all`. */
  summary(): Phase[] {
    const measured = this.#rounds.slice(WARM_UP)
    const totals = measured.map((round) => [...round.values()].reduce((a, b) => a + b, 0))
    const names = [...(measured[0]?.keys() ?? [])]
    return [
      ...names.map((name) =>
        spread(
          name,
          measured.map((round) => round.get(name) ?? 0),
        ),
      ),
      spread("all", totals),
    ]
  }
}

interface Phase {
  readonly phase: string
  readonly median: number
  /** The middle half of the rounds lies between these. */
  readonly lower: number
  readonly upper: number
}

const engine = await startEngine(values.engine as EngineChoice)
const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
try {
  const images = Math.max(8, 2 * batch)
  await makeShapes(folder, { images, valImages: images, sides: [size, size + 100], heights: [40, 160], counts: [2, 8] })
  const model = "fasterrcnn_resnet18_c4"
  const { ratePerImage, ...sizes } = preset("light", model)
  const config = {
    ...modelDefaults,
    ...sizes,
    model,
    size,
    maxSize: Math.round((size * sizes.maxSize) / sizes.size),
  }
  const parameters = new Parameters(seededRandom(SEED))
  const detector = buildFasterRcnn(parameters, config, CLASSES)
  const training = await train(ratePerImage * batch)
  const detection = await detect()
  const result = {
    model: config.model,
    preset: "light",
    size,
    batch,
    steps,
    engine,
    node: process.version,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}`,
    training,
    detection,
    peakMemory: process.resourceUsage().maxRSS * 1024,
  }
  process.stdout.write(table(result))
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`)

  async function train(rate: number): Promise<Phase[]> {
    const data = await readDataset(folder, { split: "train" })
    const loader = new BatchLoader(data, { batchSize: batch, seed: SEED, sizes: [size], maxSize: config.maxSize })
    const trainable = parameters.trainable()
    const optimizer = new Sgd(trainable)
    const laps = new Laps()
    try {
      for (let step = 0, epoch = 0; step < WARM_UP + steps; epoch++) {
        const batches = loader.epoch(epoch)[Symbol.asyncIterator]()
        for (; step < WARM_UP + steps; step++) {
          laps.begin()
          const { value, done } = await batches.next()
          if (done) break
          laps.lap("data")
          const stem = tf.tidy(() => detector.frozenFeatures(tf.tensor4d(value.pixels, [...value.shape])))
          laps.lap("frozen")
          const random = seededRandom(mixSeeds(SEED, step))
          const losses = () => detector.losses(stem, value.images, random, laps.lap)
          trainStep(losses, trainable, optimizer, { rate: rate / 100, clipNorm: 10, lap: laps.lap })
          stem.dispose()
        }
      }
      return laps.summary()
    } finally {
      optimizer.dispose()
      await loader.close()
    }
  }

  async function detect(): Promise<Phase[]> {
    const { images } = await readDataset(folder, { split: "val" })
    const files = Array.from({ length: WARM_UP + steps }, (_, i) => images[i % images.length]!.file)
    const laps = new Laps()
    laps.begin()
    for await (const { pixels, shape, images: read } of streamImages(files, { size, maxSize: config.maxSize })) {
      laps.lap("data")
      const input = tf.tensor4d(pixels, [...shape])
      const within = read.map(({ height, width }) => [height, width] as const)
      detector.detect(input, within, {}, laps.lap)
      input.dispose()
      laps.begin()
    }
    return laps.summary()
  }
} finally {
  rmSync(folder, { recursive: true })
}

function atLeastOne(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new UsageError(`bench: expected a whole number from 1, got "${text}"`)
  return value
}

function spread(phase: string, times: readonly number[]): Phase {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!
  return { phase, median: at(0.5), lower: at(0.25), upper: at(0.75) }
}

function table(result: {
  readonly model: string
  readonly engine: string
  readonly cpu: string
  readonly training: readonly Phase[]
  readonly detection: readonly Phase[]
  readonly peakMemory: number
}): string {
  const rows = (title: string, phases: readonly Phase[]) => {
    const all = phases.at(-1)!.median
    const lines = phases.map(({ phase, median, lower, upper }) => {
      const numbers = [median, lower, upper].map((ms) => ms.toFixed(1).padStart(9))
      return `${phase.padEnd(10)} ${numbers.join(" ")} ${((100 * median) / all).toFixed(0).padStart(5)} %`
    })
    return [`${title.padEnd(10)}    median     lower     upper   share`, ...lines, ""].join("\n")
  }
  return [
    `${result.model}, light, size ${size}, ${result.engine}, ${result.cpu}; milliseconds, middle half of ${steps} rounds`,
    "",
    rows(`step of ${batch}`, result.training),
    rows("detect one", result.detection),
    `peak memory ${(result.peakMemory / 2 ** 30).toFixed(2)} GB`,
    "",
  ].join("\n")
}
