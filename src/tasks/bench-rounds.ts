import * as tf from "@tensorflow/tfjs-core"
import type { Dataset } from "../../datasets/dataset.js"
import { type DetectionBatch, detectionLoader } from "../../datasets/loader/detection-loader.js"
import { openInputs } from "../../datasets/loader/open-inputs.js"
import { Parameters } from "../core/parameters.js"
import { mixSeeds, seededRandom } from "../core/random.js"
import { buildLayers, type DetectorLayers, detectorOptions } from "../detector/build.js"
import type { ModelConfig } from "../detector/model.js"
import { assembleWithPhases } from "../detector/phases.js"
import { recordLayers } from "../detector/record-layers.js"
import type { Precision } from "../engine/names.js"
import { countTraffic, sumOf } from "../engine/native/traffic.js"
import { Sgd } from "../train/sgd.js"
import { trainStep } from "../train/step.js"
import type { Round } from "./bench-phases.js"

const SEED = 0
/** Rounds that do not count: in the first something is loaded, in the second it is recorded, the third is the first to use that. */
export const WARM_UP = 3

export interface BenchOptions {
  /** Photos in a training step. */
  readonly batch: number
  /** Training steps and detections that are measured, behind a few that are not. */
  readonly steps: number
  /** Of detection; training is float32. */
  readonly precision: Precision
}

/** What a training step asks of native TensorFlow: each call is time in which a GPU waits for JavaScript. */
export interface StepTraffic {
  /** Operations, tensors sent and tensors read. */
  readonly calls: number
  /** Bytes. */
  readonly read: number
  readonly sent: number
}

export interface DetectorRounds {
  readonly training: readonly Round[]
  /** Of a step of the warm-up; null on other engines than native TensorFlow. */
  readonly traffic: StepTraffic | null
  readonly detection: readonly Round[]
}

/** Times each phase of training steps and of detections, on the engine at hand, with weights made from a seed. */
export async function timeDetector(
  config: ModelConfig,
  photos: Dataset,
  options: BenchOptions,
): Promise<DetectorRounds> {
  const parameters = new Parameters(seededRandom(SEED))
  try {
    const layers = buildLayers(parameters, config, photos.classes.length)
    const training = await timeTraining(config, photos, recordLayers(layers, "float32"), parameters, options)
    const testing = recordLayers(layers, options.precision)
    return { ...training, detection: await timeDetection(config, photos, testing, options) }
  } finally {
    parameters.dispose()
  }
}

async function timeTraining(
  config: ModelConfig,
  photos: Dataset,
  layers: DetectorLayers,
  parameters: Parameters,
  { batch, steps }: BenchOptions,
): Promise<{ training: readonly Round[]; traffic: StepTraffic | null }> {
  const { size, maxSize } = config
  const loader = detectionLoader(photos, { batchSize: batch, seed: SEED, sizes: [size], maxSize })
  const trainable = parameters.trainable()
  const optimizer = new Sgd(trainable)
  const laps = new Laps()
  const detector = assembleWithPhases(layers, detectorOptions(config), laps.lap)
  let traffic: StepTraffic | null = null
  const trainOn = async ({ pixels, shape, images }: DetectionBatch, step: number) => {
    const input = tf.tensor4d(pixels, [...shape])
    const prepared = await detector.prepare(input, images)
    input.dispose()
    laps.lap("frozen")
    const losses = () => detector.losses(prepared, seededRandom(mixSeeds(SEED, step)))
    await trainStep(losses, trainable, optimizer, { rate: 1e-5, clipNorm: 10, onPhase: laps.lap })
    prepared.dispose()
  }
  try {
    for (let step = 0, epoch = 0; step < WARM_UP + steps; epoch++) {
      const batches = loader.epoch(epoch)[Symbol.asyncIterator]()
      for (; step < WARM_UP + steps; step++) {
        laps.begin()
        const { value, done } = await batches.next()
        if (done) break
        laps.lap("data")
        if (step === WARM_UP - 1 && tf.getBackend() === "tensorflow") {
          const { calls, read, sent } = (await countTraffic(() => trainOn(value, step))).traffic
          traffic = { calls, read: sumOf(read), sent: sumOf(sent) }
        } else await trainOn(value, step)
      }
    }
    return { training: laps.measured(steps), traffic }
  } finally {
    optimizer.dispose()
    await loader.close()
  }
}

async function timeDetection(
  config: ModelConfig,
  { images }: Dataset,
  layers: DetectorLayers,
  { steps }: BenchOptions,
): Promise<readonly Round[]> {
  const photos = Array.from({ length: WARM_UP + steps }, (_, i) => images[i % images.length]!)
  const laps = new Laps()
  const detector = assembleWithPhases(layers, detectorOptions(config), laps.lap)
  const { size, maxSize, input: normalisation } = config
  laps.begin()
  for await (const { input } of openInputs(photos, { size, maxSize, ...normalisation })) {
    const { pixels, shape, height, width } = input!
    laps.lap("data")
    const tensor = tf.tensor4d(pixels, [...shape])
    await detector.detect(tensor, [[height, width]])
    laps.lap("select")
    tensor.dispose()
    laps.begin()
  }
  return laps.measured(steps)
}

/**
 * Photos a second, from files to resized, normalised batches of two, by two threads with nothing else running, epoch by
 * epoch; the first one, which starts the threads, does not count.
 */
export async function timeLoading(photos: Dataset, config: Pick<ModelConfig, "size" | "maxSize">, epochs: number) {
  const loader = detectionLoader(photos, { batchSize: 2, sizes: [config.size], maxSize: config.maxSize, workers: 2 })
  const times: number[] = []
  try {
    for (let epoch = 0; epoch <= epochs; epoch++) {
      const start = performance.now()
      for await (const { images } of loader.epoch(epoch)) if (images.length === 0) throw new Error("an empty batch")
      times.push(performance.now() - start)
    }
  } finally {
    await loader.close()
  }
  return times.slice(1).map((ms) => (1000 * photos.images.length) / ms)
}

/** Milliseconds since the lap before; a phase that comes twice in a round is added up. */
class Laps {
  readonly #rounds: Record<string, number>[] = []
  #since = performance.now()

  /** Begins a round, or again one in which nothing has come yet, as at the end of an epoch. */
  begin(): void {
    const last = this.#rounds.at(-1)
    if (last === undefined || Object.keys(last).length > 0) this.#rounds.push({})
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
