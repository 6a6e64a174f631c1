import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs-core"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { readLabelled } from "../../datasets/read-labelled.js"
import { scoreSet } from "../../src/classify/evaluate.js"
import { makeScorer } from "../../src/classify/scorer.js"
import { wholeImage } from "../../src/classify/test-crops.js"
import { startEngine } from "../../src/engine/start.js"
import { bestClasses, rowOf } from "../../src/eval/classification.js"
import { importWeights } from "../../src/tasks/import-weights.js"
import { type OpenClassifier, openClassifier } from "../../src/weights/open-model.js"
import { expectClose } from "../support/close.js"
import { sharedData, withoutSharedData } from "../support/shared-data.js"

/** What torch said about all the test images, a digit each, and its logits of the first. */
interface GoldenCase {
  readonly network: string
  readonly file: string
  readonly said: string
  readonly logits: readonly (readonly number[])[]
}
const golden: { cases: GoldenCase[] } = JSON.parse(
  readFileSync(new URL("../golden/cifar.json", import.meta.url), "utf8"),
)
/** Enough to be sure, few enough to be quick. */
const IMAGES = 400

const folder = mkdtempSync(join(tmpdir(), "resdet-cifar-"))
afterAll(() => rmSync(folder, { recursive: true }))

async function imported({ network, file }: GoldenCase): Promise<OpenClassifier> {
  const out = join(folder, `${network}.safetensors`)
  const names = sharedData("cifar10-subset/batches.meta.txt")
  await importWeights({ file: sharedData(`weights/${file}`), model: network, out, classes: names })
  return openClassifier(out)
}

describe.skipIf(withoutSharedData)("published CIFAR networks", () => {
  beforeAll(() => startEngine())

  test.each(golden.cases)("$network, imported, says of every image what torch says", async (expected) => {
    const classifier = await imported(expected)
    const whole = await readLabelled(sharedData("cifar10-subset"), { split: "test", classes: classifier.classes })
    const set = { ...whole, labels: whole.labels.subarray(0, IMAGES) }
    const { scores, labels } = await scoreSet(set, makeScorer([classifier]), { batch: 100 })
    const said = Array.from(labels, (_, n) => bestClasses(rowOf(scores, n, 10), 1)[0]!)
    expect(said.join("")).toBe(expected.said.slice(0, IMAGES))
    for (const [n, logits] of expected.logits.entries()) {
      const pixels = wholeImage(await set.image(n), classifier.config)
      const ours = tf.tidy(() => classifier.network.forward(tf.tensor4d(pixels, [1, 32, 32, 3])).dataSync())
      expectClose(ours, logits, 1e-4)
    }
    classifier.parameters.dispose()
  })
})
