/**
 * One detector's rounds for `bench.ts`, in a process of its own so that its peak memory is its own: milliseconds of each
 * phase of every step of training and of every detection, as one JSON document on stdout.
 * `node dist/scripts/bench-detector.js CONFIG BATCH STEPS ENGINE`, CONFIG a detector's as JSON
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { ModelConfig } from "../src/detector/model.js"
import type { EngineChoice } from "../src/engine/names.js"
import { startEngine } from "../src/engine/start.js"
import { makePhotos } from "../src/tasks/bench-photos.js"
import { type DetectorRounds, timeDetector } from "../src/tasks/bench-rounds.js"

/** What `bench.ts` reads. */
export interface BenchReport extends DetectorRounds {
  readonly engine: string
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
  const rounds = await timeDetector(config, photos, { batch, steps, precision: "float32" })
  const peakMemory = process.resourceUsage().maxRSS * 1024
  process.stdout.write(JSON.stringify({ engine, ...rounds, peakMemory } satisfies BenchReport))
} finally {
  rmSync(folder, { recursive: true })
}
