/**
 * Measures everything that matters on a GPU, in processes of their own, and writes `proof.json` and `proof.md`, a page for
 * docs/performance.md, after each part: one that fails or takes too long is named there, and the others run all the same. Without a
 * GPU it says so, and runs the same parts on the processor with smaller sizes, by the ways that a GPU takes.
 * `node dist/scripts/gpu/prove.js --out result [--python python3] [--small] [--parts numbers,step]`
 */
import { spawn } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
import { complain, log } from "../../src/cli/report.js"
import { packageFolder } from "../../src/core/own-package.js"
import { type ModelConfig, modelDefaults } from "../../src/detector/model.js"
import { preset } from "../../src/detector/presets.js"
import { machine } from "../../src/tasks/bench-phases.js"
import { parseFlags } from "../flags.js"
import { type Bench, type Classified, type Doctor, type Part, type Peer, type Proof, page, type Step } from "./page.js"

const { values } = parseFlags({
  options: {
    out: { type: "string" },
    python: { type: "string", default: "python3" },
    small: { type: "boolean", default: false },
    parts: { type: "string" },
  },
})
if (values.out === undefined) {
  complain("expected --out, the folder of the results")
  process.exit(2)
}
const out = resolve(values.out)
mkdirSync(out, { recursive: true })

const root = packageFolder()
const cli = join(root, "bin/resdet.js")
const script = (name: string) => join(root, "dist/scripts", name)
const pyramid = "fasterrcnn_resnet50_fpn"
const conv4 = "fasterrcnn_resnet101_c4"

const parts: Part[] = []
const looked = await ask(process.execPath, [cli, "doctor", "--json", "-"], process.env, 5)
parts.push({ name: "doctor", seconds: 0, ...looked })
const doctor = "result" in looked ? (looked.result as Doctor) : null
const onGpu = doctor?.usesGpu === true
const isSmall = values.small || !onGpu
/** Small sizes let a processor through all parts in minutes; their times say nothing. */
const sizes = isSmall
  ? { side: 96, batch: 1, steps: 1, stepSide: 96, classify: ["resnet50:2:64"], minutes: 10 }
  : { side: 800, batch: 2, steps: 10, stepSide: 320, classify: ["resnet50:8:224", "resnet50:64:224"], minutes: 20 }
const asCuda = onGpu ? [] : ["--as-cuda"]
const exact = { NVIDIA_TF32_OVERRIDE: "0" }
save()

for (const [name, env, bound] of [
  ["numbers, TF32 off", exact, 1e-4],
  ["numbers, TF32 as it is", {}, 2e-2],
] as const) {
  await part(name, [script("gpu/numbers.js"), ...asCuda], { env, bound })
}
for (const [model, own] of [
  [pyramid, "torchvision"],
  ["fasterrcnn_resnet18_c4", "paper"],
] as const) {
  await steps(model, own)
}
for (const model of [pyramid, conv4]) {
  await bench(model, "tensorflow")
  await bench(model, "webgpu")
}
if (onGpu) {
  await bench(pyramid, "tensorflow", ", sums in any order", { TF_DETERMINISTIC_OPS: "0" })
  await bench(pyramid, "tensorflow", ", TF32 off", exact)
  await bench(pyramid, "tensorflow", ", cuDNN's algorithms not tried", { TF_CUDNN_USE_AUTOTUNE: "0" })
}
await classify("tensorflow")
await classify("webgpu")
await peers()

/** Runs a program of Node's, or another, whose last line of output is JSON. */
async function part<Result>(
  name: string,
  args: readonly string[],
  { env = {}, program = process.execPath, bound = 0 }: { env?: object; program?: string; bound?: number } = {},
): Promise<Result | undefined> {
  if (values.parts !== undefined && !values.parts.split(",").some((wanted) => name.startsWith(wanted))) return undefined
  const began = performance.now()
  log(`${name} ...`)
  const answer = await ask(program, args, { ...process.env, ...env }, sizes.minutes)
  const seconds = Math.round((performance.now() - began) / 100) / 10
  parts.push({ name, seconds, ...(bound > 0 && { bound }), ...answer })
  log(`${name}: ${"result" in answer ? `${seconds} s` : answer.failure}`)
  save()
  return "result" in answer ? (answer.result as Result) : undefined
}

function ask(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  minutes: number,
): Promise<{ result: unknown } | { failure: string }> {
  return new Promise((done) => {
    const child = spawn(program, args, { env, cwd: out, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 * minutes })
    let [output, errors] = ["", ""]
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
    child.on("error", ({ message }) => done({ failure: message }))
    child.on("close", (code, signal) => {
      const lines = errors.trim().split("\n")
      const told = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? ""
      if (signal !== null) return done({ failure: `ended by ${signal}${told && `: ${told}`}` })
      if (code !== 0) return done({ failure: told || `exit code ${code}` })
      try {
        done({ result: JSON.parse(output.slice(Math.max(0, output.search(/[[{]/)))) })
      } catch {
        done({ failure: `expected JSON, got ${output.slice(0, 100)}` })
      }
    })
  })
}

/** A seeded step twice on the device, and once on the processor. */
async function steps(model: string, own: string): Promise<void> {
  const file = (name: string) => join(out, `changed-${name}.f32`)
  const run = (name: string, env: object, flags: readonly string[]) => {
    const args = [script("gpu/seeded-step.js"), model, own, sizes.stepSide, sizes.batch, file(name), ...flags].map(
      String,
    )
    return part<Step>(`step, ${model}, ${name}`, args, { env })
  }
  const first = await run("device", exact, asCuda)
  const second = await run("device again", exact, asCuda)
  const processor = await run("processor", { CUDA_VISIBLE_DEVICES: "-1" }, [])
  if (first && second && processor) {
    const [own, expected] = [file("device"), file("processor")].map(readFloats) as [Float32Array, Float32Array]
    const sameProposals = shareOf(first.proposals, processor.proposals)
    const result = { repeats: first.sha256 === second.sha256, sameProposals, ...difference(own, expected) }
    parts.push({ name: `step, ${model}, compared`, seconds: 0, bound: 1e-3, result })
    save()
  }
  for (const name of ["device", "device again", "processor"]) rmSync(file(name), { force: true })
}

/** Which share of boxes `[P * 4]` is among others, to a hundredth of a pixel. */
function shareOf(boxes: readonly number[], others: readonly number[]): number {
  const key = (list: readonly number[], at: number) => list.slice(at, at + 4)
  const starts = (list: readonly number[]) => Array.from({ length: list.length / 4 }, (_, i) => 4 * i)
  const isThere = (at: number) =>
    starts(others).some((other) => key(others, other).every((value, k) => Math.abs(value - boxes[at + k]!) < 0.01))
  return starts(boxes).filter(isThere).length / (boxes.length / 4)
}

function readFloats(file: string): Float32Array {
  const bytes = readFileSync(file)
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** The largest difference of two lists, and the length of their difference, by the largest value and the length of the second. */
function difference(actual: Float32Array, expected: Float32Array): { largest: number; length: number } {
  let [worst, most, apart, whole] = [0, 0, 0, 0]
  for (let at = 0; at < expected.length; at++) {
    const error = Math.abs(actual[at]! - expected[at]!)
    if (!(error <= worst)) worst = error
    most = Math.max(most, Math.abs(expected[at]!))
    apart += error ** 2
    whole += expected[at]! ** 2
  }
  return { largest: worst / most, length: Math.sqrt(apart / whole) }
}

async function bench(model: string, engine: string, note = "", env: object = {}): Promise<void> {
  const { side, batch, steps } = sizes
  const flags = { model, size: side, batch, steps, engine }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, String(value)])
  await part<Bench>(`bench, ${model}, ${engine}${note}`, [cli, "bench", ...args, "--json", "-", "--quiet"], { env })
}

async function classify(engine: string): Promise<void> {
  const networks = sizes.classify.flatMap((network) => ["--network", network])
  const args = [script("bench-classify.js"), ...networks, "--rounds", "1", "--steps", String(sizes.steps)]
  await part<Classified>(`classify, ResNet-50, ${engine}`, [...args, "--engine", engine, "--json", "-"])
}

/** The same by torchvision, where Python has it. */
async function peers(): Promise<void> {
  const { side, batch, steps } = sizes
  const detectors = [pyramid, conv4].flatMap((model) => {
    const config = configOf(model, side)
    return (["train", "detect"] as const).map((kind) => ({
      name: `${kind}, ${model}`,
      kind,
      config,
      batch,
      size: side,
      steps,
    }))
  })
  const classifiers = sizes.classify.map((network) => {
    const [, count, size] = network.split(":").map(Number)
    return { name: `classify, ${network}`, kind: "classify", batch: count, size, steps }
  })
  const file = join(root, "scripts/gpu/torchvision_peer.py")
  for (const one of [...detectors, ...classifiers]) {
    await part<Peer>(`torchvision, ${one.name}`, [file, JSON.stringify(one)], { program: values.python })
  }
}

/** As `bench` has it, but that regions are aligned: torchvision pools no other way. */
function configOf(model: string, size: number): ModelConfig {
  const own = preset(model === pyramid ? "torchvision" : "paper", model)
  const align = { ...own.options.align, operator: "align" as const }
  const maxSize = Math.round((size * own.maxSize) / own.size)
  return { ...modelDefaults, size, maxSize, model, conv5Norm: "frozen", options: { ...own.options, align } }
}

function save(): void {
  const { version } = createRequire(import.meta.url)(join(root, "package.json")) as { version: string }
  const proof: Proof = {
    version,
    made: new Date().toISOString(),
    machine,
    onGpu,
    isSmall,
    sizes,
    doctor,
    parts,
  }
  writeFileSync(join(out, "proof.json"), `${JSON.stringify(proof, null, 2)}\n`)
  writeFileSync(join(out, "proof.md"), page(proof))
}
