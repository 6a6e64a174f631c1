import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { detectionsFromCoco, truthsFromCoco } from "../../src/eval/coco-records.js"
import { COCO, COCOeval, type CocoDataset, type CocoResult, type Params } from "../../src/eval/cocoapi/public.js"
import { evaluate } from "../../src/eval/report.js"
import { hasChromium, runInChromium } from "../support/chromium.js"
import type { PlainFile, PlainResult } from "./support/cases.js"

interface Case {
  readonly truths: CocoDataset & PlainFile
  readonly results: (CocoResult & PlainResult)[]
  readonly params: Partial<Params>
}

const golden = "test/golden/eval/cocoapi-random.json"

/** What a page without a bundler needs to find the two small packages. */
const imports = {
  "pure-rand/distribution/uniformFloat64": "/node_modules/pure-rand/lib/esm/distribution/uniformFloat64.js",
  "pure-rand/distribution/uniformInt": "/node_modules/pure-rand/lib/esm/distribution/uniformInt.js",
  "pure-rand/generator/xoroshiro128plus": "/node_modules/pure-rand/lib/esm/generator/xoroshiro128plus.js",
  "fastest-levenshtein": "/node_modules/fastest-levenshtein/esm/mod.js",
}

const page = `<!doctype html>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
const post = (said) => fetch("/done", { method: "POST", body: JSON.stringify(said) })
try {
  const { COCO, COCOeval } = await import("/dist/src/eval/cocoapi/public.js")
  const { evaluate, readCocoDetections, readCocoTruths } = await import("/dist/src/eval/public.js")
  const { cases } = await (await fetch("/${golden}")).json()
  const hex = async (values) => {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    // crypto.subtle is there, since 127.0.0.1 counts as secure.
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
    return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  }
  const figures = []
  for (const { truths, results, params } of cases) {
    const coco = new COCO(truths)
    const evaluation = new COCOeval(coco, coco.loadRes(results))
    Object.assign(evaluation.params, params)
    evaluation.evaluate()
    evaluation.accumulate()
    const printed = evaluation.params.maxDets.length >= 3 ? evaluation.summarize() : ""
    const { precision, recall, scores } = evaluation.eval
    figures.push({ printed, digests: await Promise.all([precision, recall, scores].map(hex)) })
  }
  const stream = (value) => new Blob([JSON.stringify(value)]).stream()
  const reports = []
  for (const { truths, results } of cases.slice(0, 5)) {
    const table = await readCocoTruths(stream(truths), "truths")
    reports.push(evaluate(table, await readCocoDetections(table, stream(results), "results")))
  }
  await post({ figures, reports })
} catch (error) {
  await post({ error: String(error.stack) })
}
</script>`

test.skipIf(!hasChromium)("in a browser cocoapi and the report give Node's figures to the last bit", async () => {
  const { cases } = JSON.parse(readFileSync(golden, "utf8")) as { cases: Case[] }
  const hex = ({ buffer, byteOffset, byteLength }: Float64Array) =>
    createHash("sha256")
      .update(new Uint8Array(buffer, byteOffset, byteLength))
      .digest("hex")
  const figures = cases.map(({ truths, results, params }) => {
    const coco = new COCO(truths)
    const evaluation = new COCOeval(coco, coco.loadRes(results))
    Object.assign(evaluation.params, params)
    evaluation.evaluate()
    evaluation.accumulate()
    const printed = evaluation.params.maxDets.length >= 3 ? evaluation.summarize() : ""
    const { precision, recall, scores } = evaluation.eval!
    return { printed, digests: [precision, recall, scores].map(hex) }
  })
  const reports = cases.slice(0, 5).map(({ truths, results }) => {
    const table = truthsFromCoco(truths)
    return evaluate(table, detectionsFromCoco(table, results))
  })
  const inBrowser = await runInChromium(page)
  expect(inBrowser).toEqual(JSON.parse(JSON.stringify({ figures, reports })))
})
