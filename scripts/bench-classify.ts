/**
 * Images a second that classifiers train on, as `classify train` does it, in float32 and bf16, beside torch on the same machine in the same run: the two take turns, so that
 * what else the machine does meets both. Medians of all steps, with the middle half. Made-up images, from memory.
 * `node dist/scripts/bench-classify.js [--peer python --rounds 3 --steps 10 --network resnet50:8:224 --json FILE]`; `--json -` prints nothing else
 */
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { ResNet } from "../src/backbone/classifier.js"
import { networkSpec } from "../src/backbone/networks.js"
import { softmaxCrossEntropy } from "../src/core/losses.js"
import { Parameters, Scope } from "../src/core/parameters.js"
import { seededRandom } from "../src/core/random.js"
import type { EngineChoice, Precision } from "../src/engine/names.js"
import { bf16Units } from "../src/engine/precision.js"
import { mayRecord } from "../src/engine/recorded.js"
import { startEngine } from "../src/engine/start.js"
import { machine as processor, type Spread, spread } from "../src/tasks/bench-phases.js"
import { recordedGradients } from "../src/train/gradients.js"
import { Sgd } from "../src/train/sgd.js"
import { trainStep } from "../src/train/step.js"
import { parseFlags } from "./flags.js"
import { timedPeers } from "./timed-peers.js"

const WARM_UP = 3
const SEED = 0

const { values } = parseFlags({
  options: {
    network: { type: "string", multiple: true, default: ["resnet50:8:224", "cifar_resnet20:128:32"] },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "10" },
    engine: { type: "string", default: "auto" },
    peer: { type: "string" },
    json: { type: "string" },
  },
})
const [rounds, steps] = [Number(values.rounds), Number(values.steps)]
const layouts = timedPeers(["contiguous", "channels_last", "bf16"])

const engine = await startEngine(values.engine as EngineChoice)
const precisions: readonly Precision[] = mayRecord() && bf16Units().length > 0 ? ["float32", "bf16"] : ["float32"]
const machine = `${processor}, ${engine}`
const results: { network: string; batch: number; side: number; who: string; rate: Spread }[] = []
for (const wanted of values.network) {
  const [network = "", batch = 0, side = 0] = wanted.split(":").map((part, i) => (i === 0 ? part : Number(part))) as [
    string,
    number,
    number,
  ]
  const times = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const precision of precisions) {
      keep(precision === "float32" ? "resdet" : `resdet, ${precision}`, await train(network, batch, side, precision))
    }
    if (values.peer === undefined) continue
    for (const layout of layouts) {
      const { version, seconds } = askPeer(values.peer, network, batch, side, layout)
      keep(`torch ${version}, ${layout}`, seconds)
    }
  }
  for (const [who, seconds] of times) results.push({ network, batch, side, who, rate: rateOf(seconds, batch) })

  function keep(who: string, seconds: readonly number[]): void {
    times.set(who, [...(times.get(who) ?? []), ...seconds])
  }
}
const document = `${JSON.stringify({ machine, results }, null, 2)}\n`
if (values.json === "-") process.stdout.write(document)
else {
  process.stdout.write(`${machine}; images a second, middle half of ${rounds} x ${steps} steps\n`)
  for (const { network, batch, side, who, rate } of results) {
    const [median, lower, upper] = [rate.median, rate.lower, rate.upper].map((value) => value.toFixed(1).padStart(8))
    process.stdout.write(
      `${`${network}, ${batch} of ${side}`.padEnd(28)} ${who.padEnd(36)} ${median} ${lower} ${upper}\n`,
    )
  }
  if (values.json !== undefined) writeFileSync(values.json, document)
}

function rateOf(seconds: readonly number[], batch: number): Spread {
  return spread(seconds.map((s) => batch / s))
}

/** Seconds of each training step: forward, loss, backward, SGD. */
async function train(name: string, batch: number, side: number, precision: Precision): Promise<number[]> {
  const spec = networkSpec(name)
  const parameters = new Parameters(seededRandom(SEED))
  const network = new ResNet(new Scope(parameters), spec)
  const optimizer = new Sgd(parameters.trainable())
  const images = tf.randomNormal<tf.Rank.R4>([batch, side, side, 3], 0, 1, "float32", SEED)
  const labels = tf.tensor1d(Int32Array.from({ length: batch }, (_, i) => i % spec.classes))
  const losses = (pictures: tf.Tensor4D, truths: tf.Tensor1D) => ({
    loss_classifier: tf.mean<tf.Scalar>(softmaxCrossEntropy(network.train(pictures), truths)),
  })
  const trained = parameters.trainable()
  const recorded = recordedGradients(
    (pictures: tf.Tensor4D, truths: tf.Tensor1D) => ({ losses: losses(pictures, truths) }),
    () => trained,
    precision,
  )
  const gradients = mayRecord() ? () => recorded(images, labels) : undefined
  const seconds: number[] = []
  for (let step = 0; step < WARM_UP + steps; step++) {
    const start = performance.now()
    const how = { rate: 1e-3, clipNorm: Number.POSITIVE_INFINITY, gradients }
    await trainStep(() => losses(images, labels), trained, optimizer, how)
    seconds.push((performance.now() - start) / 1000)
  }
  tf.dispose([images, labels])
  optimizer.dispose()
  parameters.dispose()
  return seconds.slice(WARM_UP)
}

function askPeer(python: string, network: string, batch: number, side: number, layout: string) {
  const script = join(import.meta.dirname, "..", "..", "scripts", "bench_classify_peer.py")
  const args = [script, network, batch, side, steps, layout].map(String)
  return JSON.parse(execFileSync(python, args, { encoding: "utf8" })) as { version: string; seconds: number[] }
}
