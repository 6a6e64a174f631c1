import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type ModelConfig, modelDefaults, modelNames, parseModel } from "../detector/model.js"
import { preset } from "../detector/presets.js"
import { startEngine } from "../engine/start.js"
import { UsageError } from "../tensor/errors.js"
import { didYouMean } from "../tensor/suggest.js"
import { Checkpoint } from "../weights/checkpoint.js"
import { expectDetector } from "../weights/open-model.js"
import { inputSizes } from "../weights/plan.js"
import type { BenchFlags } from "./bench.js"
import { makePhotos } from "./bench-photos.js"
import { timeDetector, timeLoading } from "./bench-rounds.js"
import { machine, phases, phaseTable, spread } from "./bench-table.js"
import { log, print, writeJson } from "./report.js"

/** Photos of which loading is timed. */
const loaded = 32

/** Measures and tells. */
export async function runBench(flags: BenchFlags): Promise<void> {
  const { batch, steps } = flags
  const config = configOf(flags)
  const engine = await startEngine(flags.engine)
  const { model, size, maxSize } = config
  log(`engine: ${engine}; ${model}, shorter side ${size}: ${steps + 2} steps of ${batch}, then as many detections`)
  const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
  try {
    const photos = await makePhotos(folder, Math.max(loaded, 2 * batch))
    const rounds = await timeDetector(config, photos, { batch, steps })
    const peakMemory = process.resourceUsage().maxRSS * 1024
    const photosPerSecond = spread(await timeLoading(photos, config, 3)).median
    const [training, detection] = [phases(rounds.training), phases(rounds.detection)]
    const result = { machine, engine, model, size, maxSize, batch, training, detection, photosPerSecond, peakMemory }
    if (flags.json !== undefined) writeJson(result, flags.json)
    if (flags.json === "-") return
    print(`${machine}; milliseconds: median, middle half of ${steps}\n`)
    print(`${phaseTable(`training step of ${batch}`, training)}\n\n${phaseTable("detection of 1", detection)}\n`)
    print(
      `loading by two threads: ${photosPerSecond.toFixed(0)} photos a second; peak memory ${(peakMemory / 2 ** 30).toFixed(2)} GB`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * A pyramid with torchvision's options, others with the paper's; frozen is what a trained backbone freezes. Of a weights
 * file, what it says of itself.
 */
function configOf({ model, weights, size }: BenchFlags): ModelConfig {
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
  const sides = inputSizes({ size: 800, maxSize: 1333 }, { size })
  return { ...modelDefaults, ...sides, model, conv5Norm: "frozen", options: base.options }
}
