import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { z } from "zod"
import { UsageError } from "../core/errors.js"
import { didYouMean } from "../core/suggest.js"
import { type ModelConfig, modelDefaults, modelNames, parseModel } from "../detector/model.js"
import { preset } from "../detector/presets.js"
import type { EngineName, Precision } from "../engine/names.js"
import { isOnCuda } from "../engine/native/op.js"
import { expectPrecision } from "../engine/precision.js"
import { startEngine } from "../engine/start.js"
import { type CudaDevice, cudaDevice, deviceLine } from "../setup/cuda-device.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { expectDetector } from "../weights/open-model.js"
import { inputSizes } from "../weights/plan.js"
import { machine, type Phase, phases, spread } from "./bench-phases.js"
import { makePhotos } from "./bench-photos.js"
import { type StepTraffic, timeDetector, timeLoading, WARM_UP } from "./bench-rounds.js"
import { parseOptions } from "./config.js"
import { listenerOf, type TaskHooks } from "./hooks.js"
import { type BenchOptions, benchSchema } from "./options/bench.js"

/** Times in milliseconds. */
export interface BenchResult {
  /** Processor and version of Node. */
  readonly machine: string
  readonly engine: EngineName
  /** The GPU that the engine computes on by CUDA, or null. */
  readonly cuda: CudaDevice | null
  /** Of detection; training is float32. */
  readonly precision: Precision
  readonly model: string
  readonly size: number
  readonly maxSize: number
  readonly batch: number
  /** Phases in their order, the last one is their sum. */
  readonly training: readonly Phase[]
  readonly detection: readonly Phase[]
  /** What one training step asks of native TensorFlow; null on other engines. */
  readonly traffic: StepTraffic | null
  /** Loaded by two threads with nothing else running. */
  readonly photosPerSecond: number
  /** Bytes. */
  readonly peakMemory: number
}

/** Images of which loading is timed. */
const loaded = 32

/**
 * Times each phase of training and detection on this machine; images (640x480) and weights are made from a seed.
 * @throws UsageError for an unknown model, DataError when the weights are no detector
 */
export async function bench(options: BenchOptions, hooks: TaskHooks = {}): Promise<BenchResult> {
  const given = parseOptions("bench", benchSchema, options)
  const { batch, steps, precision } = given
  const config = configOf(given)
  const engine = await startEngine(given.engine)
  expectPrecision(precision, engine)
  const { model, size, maxSize } = config
  const { log } = listenerOf(hooks)
  const each = steps + WARM_UP
  const cuda = isOnCuda() ? await cudaDevice() : null
  if (cuda !== null) log(`device: ${deviceLine(cuda)}\nthe first step ${cuda.firstStep}`)
  log(`engine: ${engine}; ${model}, shorter side ${size}: ${each} steps of ${batch}, then as many detections`)
  const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
  try {
    const photos = await makePhotos(folder, Math.max(loaded, 2 * batch))
    const rounds = await timeDetector(config, photos, { batch, steps, precision })
    const peakMemory = process.resourceUsage().maxRSS * 1024
    const photosPerSecond = spread(await timeLoading(photos, config, 3)).median
    const [training, detection] = [phases(rounds.training), phases(rounds.detection)]
    const { traffic } = rounds
    const times = { training, detection, traffic, photosPerSecond, peakMemory }
    return { machine, engine, cuda, precision, model, size, maxSize, batch, ...times }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The options that `bench` would use, with nothing left open. */
export function planBench(options: BenchOptions): z.output<typeof benchSchema> {
  const given = parseOptions("bench", benchSchema, options)
  const { model, size } = configOf(given)
  return { ...given, model, size }
}

/**
 * A pyramid with torchvision's options, others with the paper's; frozen is what a trained backbone freezes. Of a weights
 * file, what it says of itself.
 */
function configOf({ model, weights, size }: z.output<typeof benchSchema>): ModelConfig {
  if (weights !== undefined) {
    using checkpoint = Checkpoint.open(weights)
    const { config } = expectDetector(checkpoint)
    return { ...config, ...inputSizes(config, { size }) }
  }
  if (!modelNames.includes(model)) {
    throw new UsageError(
      `bench: no model "${model}".${didYouMean(model, modelNames)} Known models: ${modelNames.join(", ")}`,
    )
  }
  const base = preset(parseModel(model).kind === "c4" ? "paper" : "torchvision", model)
  const { size: usual, maxSize } = modelDefaults
  const sides = inputSizes({ size: usual, maxSize }, { size })
  return { ...modelDefaults, ...sides, model, conv5Norm: "frozen", options: base.options }
}
