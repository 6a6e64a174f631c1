/**
 * What ONNX Runtime's own settings do to a detection: one session a setting, a change of one thing each, by turns in one
 * process. Medians of time, of processor time until the result is there, and of processor time until `PAUSE` later, as idle
 * threads may go on spinning. Weights and photo are made up; whether results are those of the first setting, bit for bit, is said.
 * `node dist/scripts/bench-session.js [--model fasterrcnn_resnet50_fpn --size 800 --settings default,no-spinning --rounds 9]`
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { selectionFor } from "../src/detector/detect-options.js"
import { loadOnnxRuntime } from "../src/engine/onnx-runtime.js"
import { channelByChannel } from "../src/onnx/channel-by-channel.js"
import { detectorSession, withBoundInputs } from "../src/onnx/detector-session.js"
import { encodeModel } from "../src/onnx/encode-model.js"
import { detectorModel } from "../src/onnx/file-models.js"
import { createSession, type RuntimeOptions } from "../src/onnx/runtime.js"
import { madeUpPhoto } from "../src/predict/made-up-photos.js"
import { machine, spread } from "../src/tasks/bench-phases.js"
import { Checkpoint } from "../src/weights/checkpoint.js"
import { expectDetector } from "../src/weights/open-model.js"
import { parseFlags } from "./flags.js"
import { saveMadeUp } from "./made-up-weights.js"

const WARM_UP = 2
/** Milliseconds after a detection in which threads of ONNX Runtime may spin. */
const PAUSE = 250

/** @source onnxruntime, core/session/onnxruntime_session_options_config_keys.h */
const all: Readonly<Record<string, object>> = {
  default: {},
  "one-thread": { intraOpNumThreads: 1 },
  "no-spinning": { extra: { session: { intra_op: { allow_spinning: "0" } } } },
  "spinning-stop": { extra: { session: { force_spinning_stop: "1" } } },
  "spin-1000us": { extra: { session: { intra_op: { spin_duration_us: "1000" } } } },
  parallel: { executionMode: "parallel", interOpNumThreads: 2 },
  extended: { graphOptimizationLevel: "extended" },
  "no-arena": { enableCpuMemArena: false },
  "no-pattern": { enableMemPattern: false },
  denormals: { extra: { session: { set_denormal_as_zero: "1" } } },
  "no-prepacking": { extra: { session: { disable_prepacking: "1" } } },
  "dynamic-block": { extra: { session: { dynamic_block_base: "4" } } },
}

const { values } = parseFlags({
  options: {
    model: { type: "string", default: "fasterrcnn_resnet50_fpn" },
    size: { type: "string", default: "800" },
    settings: { type: "string", default: Object.keys(all).join(",") },
    rounds: { type: "string", default: "9" },
  },
})
const folder = mkdtempSync(join(tmpdir(), "resdet-bench-"))
const weights = join(folder, "weights.safetensors")
const config = await saveMadeUp(values.model, weights, Number(values.size))
const checkpoint = Checkpoint.open(weights)
const bytes = Buffer.concat(encodeModel(withBoundInputs(detectorModel(checkpoint, expectDetector(checkpoint)))))
checkpoint.close()
rmSync(folder, { recursive: true })
const { data, height, width } = madeUpPhoto(480, 640)
const image = { values: channelByChannel(data, 255), height, width }
const bounds = selectionFor(config.options.select, {})
const runtime = await loadOnnxRuntime()

const contenders = []
for (const name of values.settings.split(",")) {
  const settings = all[name]
  if (settings === undefined) throw new Error(`no setting "${name}"`)
  const began = performance.now()
  const { detect } = detectorSession(await createSession(runtime, bytes, settings as RuntimeOptions))
  contenders.push({
    name,
    detect,
    found: "",
    loading: performance.now() - began,
    walls: [] as number[],
    cpus: [] as number[],
    whole: [] as number[],
  })
}
await pause(PAUSE)
for (let round = 0; round < WARM_UP + Number(values.rounds); round++) {
  for (const own of contenders) {
    const [began, before] = [performance.now(), process.cpuUsage()]
    const { boxes, scores } = await own.detect(image, bounds)
    const [wall, used] = [performance.now() - began, process.cpuUsage(before)]
    own.found = Buffer.concat(
      [boxes, scores].map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength)),
    ).toString("base64")
    await pause(PAUSE)
    const later = process.cpuUsage(before)
    if (round < WARM_UP) continue
    own.walls.push(wall)
    own.cpus.push((used.user + used.system) / 1000)
    own.whole.push((later.user + later.system) / 1000)
  }
}
process.stdout.write(
  `${machine}; ${values.model} at ${values.size}; milliseconds: time (middle half), processor, with ${PAUSE} after, loading; medians of ${values.rounds}\n`,
)
for (const { name, walls, cpus, whole, found, loading } of contenders) {
  const { median, lower, upper } = spread(walls)
  const numbers = [median, lower, upper, spread(cpus).median, spread(whole).median, loading].map((ms) =>
    ms.toFixed(0).padStart(8),
  )
  process.stdout.write(
    `  ${name.padEnd(16)}${numbers.join("")}  ${found === contenders[0]!.found ? "same bits" : "other bits"}\n`,
  )
}
process.exit()
