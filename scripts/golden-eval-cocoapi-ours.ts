/**
 * The other half of `golden-eval-cocoapi.py compare`: answers each line of a file of cases, and writes the raw doubles.
 * node dist/scripts/golden-eval-cocoapi-ours.js cases.jsonl answers.jsonl arrays.bin
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs"
import { COCO, COCOeval, type CocoDataset, type CocoResult, type Params } from "../src/eval/cocoapi/public.js"

interface Case {
  readonly truths: CocoDataset
  readonly results: CocoResult[]
  readonly params: Partial<Params>
  readonly queries: readonly ["getAnnIds" | "getCatIds" | "getImgIds", Record<string, unknown>][]
}

const [casesFile, answersFile, arraysFile] = process.argv.slice(2) as [string, string, string]
const answersOut = openSync(answersFile, "w")
const arraysOut = openSync(arraysFile, "w")
for (const line of readFileSync(casesFile, "utf8").split("\n")) {
  if (line === "") continue
  const { truths: file, results, params, queries } = JSON.parse(line) as Case
  const truths = new COCO(file)
  const answers = queries.map(([name, query]) => {
    const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== null))
    const ids = truths[name](given)
    return name === "getImgIds" ? ids.sort((a, b) => a - b) : ids
  })
  const found = truths.loadRes(results)
  const evaluation = new COCOeval(truths, found)
  Object.assign(evaluation.params, params)
  evaluation.evaluate()
  const evalImgs = evaluation.evalImgs.map((one) => one ?? null)
  evaluation.accumulate()
  const printed = evaluation.params.maxDets.length >= 3 ? evaluation.summarize().split("\n") : []
  const { counts, precision, recall, scores } = evaluation.eval!
  const firstResults = found.loadAnns([...found.anns.keys()].slice(0, 3))
  writeSync(answersOut, `${JSON.stringify({ answers, counts, printed, evalImgs, results: firstResults })}\n`)
  for (const { buffer, byteOffset, byteLength } of [precision, recall, scores, evaluation.stats]) {
    writeSync(arraysOut, new Uint8Array(buffer, byteOffset, byteLength))
  }
}
closeSync(answersOut)
closeSync(arraysOut)
