/**
 * Do gradients vanish in plain nets? The paper (section 4.1) says that they are healthy, by batch norm. Here they are
 * measured: what comes back to the output of each 3x3 layer, behind its norm, as the root of the mean square over a batch
 * of 128, at the start and after some steps of training, for plain and residual CIFAR networks, several seeds. Each network
 * and seed is a file of its own, so that a second call makes those that are missing.
 * `node dist/scripts/gradient-norms.js --data cifar10 [--depths 20,32,44,56 --steps 0,100,400 --seeds 1,2,3 --minutes 110]`
 */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { channelStatistics } from "../datasets/image/augment.js"
import { type ClassificationBatch, classificationLoader } from "../datasets/loader/classification-loader.js"
import { readLabelled } from "../datasets/read-labelled.js"
import { networkSpec } from "../src/backbone/networks.js"
import { classifier } from "../src/backbone/resnet.js"
import { log } from "../src/cli/report.js"
import { DataError, UsageError } from "../src/core/errors.js"
import { softmaxCrossEntropy } from "../src/core/losses.js"
import { Parameters, Scope } from "../src/core/parameters.js"
import { mixSeeds, seededRandom } from "../src/core/random.js"
import { makeFolder, writeWhole } from "../src/core/write-whole.js"
import type { EngineChoice } from "../src/engine/names.js"
import { startEngine } from "../src/engine/start.js"
import type { Ops } from "../src/layers/ops.js"
import { createParameters } from "../src/layers/parameters.js"
import { trainingOps } from "../src/layers/tensor-ops.js"
import { sgdDefaults } from "../src/train/options.js"
import { plotSvg } from "../src/train/plot.js"
import { Sgd } from "../src/train/sgd.js"
import { trainStep } from "../src/train/step.js"
import { endOf, experimentFlags, minutesOf, numbersOf, spread, tellTable } from "./experiment.js"
import { parseFlags } from "./flags.js"

const { values } = parseFlags({
  options: {
    ...experimentFlags,
    depths: { type: "string", default: "20,32,44,56" },
    steps: { type: "string", default: "0,100,400" },
    batch: { type: "string", default: "128" },
    lr: { type: "string", default: "0.1" },
  },
})
const { data, out = join("runs", "gradient-norms") } = values
if (data === undefined) throw new UsageError("gradient-norms: expected --data with CIFAR-10's binary files")
const places = numbersOf(values.steps, "steps").sort((a, b) => a - b)
const seeds = numbersOf(values.seeds, "seeds")
const names = numbersOf(values.depths, "depths").flatMap((depth) => [`plain-${depth}`, `resnet-${depth}`])

/** The gradients' root mean squares of the layers from the image on, after each number of steps. */
type Measured = Readonly<Record<string, readonly number[]>>

const set = await readLabelled(data, { split: "train" })
if (set.format !== "cifar10") throw new DataError(`${data}: expected CIFAR-10's binary files`)
const statistics = channelStatistics(set.pixels)
log(`engine: ${await startEngine(values.engine as EngineChoice)}`)
makeFolder(out, out)
const signal = endOf(minutesOf(values.minutes))
for (const seed of seeds) {
  for (const name of names) {
    if (signal.aborted || existsSync(fileOf(name, seed))) continue
    const measured = await measure(name, seed)
    if (measured === undefined) continue
    writeWhole(fileOf(name, seed), `${JSON.stringify(measured)}\n`)
    log(`${name}, seed ${seed}: ${places.map((step) => `step ${step} ${ends(measured[step]!)}`).join("; ")}`)
  }
}
draw()
tell()

function fileOf(name: string, seed: number): string {
  return join(out, `${name}-seed${seed}.json`)
}

/** `undefined` where the signal came first. */
async function measure(name: string, seed: number): Promise<Measured | undefined> {
  const spec = networkSpec(`cifar_${name.replace("-", "")}`)
  const parameters = new Parameters(seededRandom(mixSeeds(seed, 1)))
  const scope = new Scope(parameters)
  const sizes = { classes: spec.classes, norm: "batch" } as const
  createParameters(scope, (ops) => classifier(ops, spec, sizes, null))
  const optimizer = new Sgd(parameters.trainable(), sgdDefaults)
  const loader = classificationLoader(set, { seed, batchSize: Number(values.batch), ...statistics, workers: 0 })
  const lossOf = (ops: Ops<tf.Tensor>, { pixels, shape, labels }: ClassificationBatch): tf.Scalar => {
    const logits = classifier<tf.Tensor>(ops, spec, sizes, tf.tensor4d(pixels, [...shape])) as tf.Tensor2D
    return tf.mean(softmaxCrossEntropy(logits, tf.tensor1d(labels, "int32")))
  }
  const measured: Record<string, readonly number[]> = {}
  try {
    for (let step = 0, epoch = 0; ; epoch++) {
      for await (const batch of loader.epoch(epoch)) {
        if (places.includes(step)) measured[step] = gradientsAt(scope, (ops) => lossOf(ops, batch))
        if (step === places.at(-1)) return measured
        if (signal.aborted) return undefined
        const ops = trainingOps(scope)
        const options = { rate: Number(values.lr), clipNorm: Number.POSITIVE_INFINITY }
        await trainStep(() => ({ loss_classifier: lossOf(ops, batch) }), parameters.trainable(), optimizer, options)
        step++
      }
    }
  } finally {
    await loader.close()
    optimizer.dispose()
    parameters.dispose()
  }
}

/** The root mean square of the gradient that comes back to each 3x3 layer's output. */
function gradientsAt(scope: Scope, lossOf: (ops: Ops<tf.Tensor>) => tf.Scalar): number[] {
  return tf.tidy(() => {
    // The batch's statistics are told, so that measuring moves nothing.
    const quiet = () => trainingOps(scope, () => {})
    const zeros: tf.Tensor[] = []
    const gather = (maps: tf.Tensor) => {
      zeros.push(tf.zerosLike(maps))
      return maps
    }
    lossOf(besides(quiet(), gather))
    const gradients = tf.grads((...added: tf.Tensor[]) => {
      let next = 0
      return lossOf(besides(quiet(), (maps) => tf.add(maps, added[next++]!)))
    })(zeros)
    return gradients.map((gradient) => Math.sqrt(tf.mean(tf.square(gradient)).dataSync()[0]!))
  })
}

/** The same operations, whose 3x3 convolutions' outputs go through `change` before their ReLU. */
function besides(ops: Ops<tf.Tensor>, change: (maps: tf.Tensor) => tf.Tensor): Ops<tf.Tensor> {
  return {
    ...ops,
    in: (part) => besides(ops.in(part), change),
    frozen: () => besides(ops.frozen(), change),
    conv(x, spec, options) {
      if (spec.kernel !== 3) return ops.conv(x, spec, options)
      const maps = change(ops.conv(x, spec, { ...options, relu: false }))
      return options.relu ? ops.relu(maps) : maps
    },
  }
}

/** The first layer's by the last one's. */
function ratio(gradients: readonly number[]): number {
  return gradients[0]! / gradients.at(-1)!
}

function ends(gradients: readonly number[]): string {
  return `${gradients[0]!.toExponential(2)} at the first layer, ${gradients.at(-1)!.toExponential(2)} at the last`
}

function read(name: string, seed: number): Measured | undefined {
  const file = fileOf(name, seed)
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Measured) : undefined
}

/** The first seed's networks, one chart for each number of steps; logarithms, since layers differ by powers of ten. */
function draw(): void {
  const charts = places.map((step) => ({
    title: `log10 of the gradient at each 3x3 layer's output, after ${step} steps`,
    along: "layer",
    lines: names.flatMap((name) => {
      const own = read(name, seeds[0]!)?.[step]
      return own === undefined ? [] : [{ name, points: own.map((value, i) => [i + 1, Math.log10(value)] as const) }]
    }),
  }))
  if (charts[0]!.lines.length > 0) writeWhole(join(out, "gradients.svg"), plotSvg(charts))
}

function tell(): void {
  const rows = names.map((name) => {
    const all = seeds.map((seed) => read(name, seed)).filter((one) => one !== undefined)
    return [
      name,
      `${all.length}`,
      ...places.map((step) =>
        spread(
          all.map((one) => ratio(one[step]!)),
          2,
        ),
      ),
    ]
  })
  tellTable(out, [["first layer / last layer", "seeds", ...places.map((step) => `step ${step}`)], ...rows])
}
