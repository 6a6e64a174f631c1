/**
 * One detector's rounds for `bench.ts`, in a process of its own so that its peak memory is its own: milliseconds of each
 * phase of every step of training and of every detection, as one JSON document on stdout. Photos and weights are made from
 * a seed.
 * `node dist/scripts/bench-detector.js CONFIG BATCH STEPS ENGINE`, CONFIG a detector's as JSON
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import type { Dataset } from "../datasets/dataset.js"
import { BatchLoader } from "../datasets/loader/batch-loader.js"
import { streamImages } from "../datasets/loader/stream.js"
import { buildFasterRcnn } from "../src/detector/build.js"
import type { FasterRcnn } from "../src/detector/faster-rcnn.js"
import type { ModelConfig } from "../src/detector/model.js"
import type { EngineChoice } from "../src/engine/names.js"
import { startEngine } from "../src/engine/start.js"
import { Parameters } from "../src/tensor/parameters.js"
import { mixSeeds, seededRandom } from "../src/tensor/random.js"
import { Sgd } from "../src/train/sgd.js"
import { trainStep } from "../src/train/step.js"
import { makePhotos, photoClasses } from "./bench-photos.js"

const SEED = 0
const WARM_UP = 2

/** Milliseconds by phase, in the order in which they come. */
export type Round = Record<string, number>

/** Milliseconds since the lap before; a phase that comes twice in a round is added up. */
class Laps {
  readonly #rounds: Round[] = []
  #since = performance.now()

  begin(): void {
    this.#rounds.push({})
    this.#since = performance.now()
  }

  readonly lap = (phase: string): void => {
    const now = performance.now()
    const round = this.#rounds.at(-1)!
    round[phase] = (round[phase] ?? 0) + now - this.#since
    this.#since = now
  }

  /** The rounds behind the warm-up. */
  measured(steps: number): Round[] {
    return this.#rounds.slice(WARM_UP, WARM_UP + steps)
  }
}

/** What `bench.ts` reads. */
export interface BenchReport {
  readonly engine: string
  readonly training: readonly Round[]
  readonly detection: readonly Round[]
  /** Bytes. */
  readonly peakMemory: number
}

const [configText, ...rest] = process.argv.slice(2) as [string, ...string[]]
const config = JSON.parse(configText) as ModelConfig
const [batch, steps] = rest.slice(0, 2).map(Number) as [number, number]
const engine = await startEngine(rest[2] as EngineChoice)
const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
try {
  const photos = await makePhotos(folder, Math.max(4, 2 * batch))
  const parameters = new Parameters(seededRandom(SEED))
  const detector = buildFasterRcnn(parameters, config, photoClasses)
  const training = await train(photos, detector, parameters)
  const detection = await detect(photos, detector)
  const peakMemory = process.resourceUsage().maxRSS * 1024
  process.stdout.write(JSON.stringify({ engine, training, detection, peakMemory } satisfies BenchReport))
} finally {
  rmSync(folder, { recursive: true })
}

async function train(photos: Dataset, detector: FasterRcnn, parameters: Parameters): Promise<Round[]> {
  const { size, maxSize } = config
  const loader = new BatchLoader(photos, { batchSize: batch, seed: SEED, sizes: [size], maxSize })
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
        await trainStep(losses, trainable, optimizer, { rate: 1e-5, clipNorm: 10, lap: laps.lap })
        stem.dispose()
      }
    }
    return laps.measured(steps)
  } finally {
    optimizer.dispose()
    await loader.close()
  }
}

async function detect({ images }: Dataset, detector: FasterRcnn): Promise<Round[]> {
  const { size, maxSize } = config
  const files = Array.from({ length: WARM_UP + steps }, (_, i) => images[i % images.length]!.file)
  const laps = new Laps()
  laps.begin()
  for await (const { pixels, shape, images: read } of streamImages(files, { size, maxSize })) {
    laps.lap("data")
    const input = tf.tensor4d(pixels, [...shape])
    const within = read.map(({ height, width }) => [height, width] as const)
    await detector.detect(input, within, {}, laps.lap)
    input.dispose()
    laps.begin()
  }
  return laps.measured(steps)
}
