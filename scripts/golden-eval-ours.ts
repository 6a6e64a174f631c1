/**
 * The other half of `golden-eval.py compare`: evaluates each line of a file of cases and writes the raw doubles.
 * node dist/scripts/golden-eval-ours.js cases.jsonl out.bin
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs"
import {
  type CocoAnnotationFile,
  type CocoResultRecord,
  detectionsFromCoco,
  evaluateCoco,
  truthsFromCoco,
} from "../src/eval/public.js"

const [casesFile, outFile] = process.argv.slice(2) as [string, string]
const out = openSync(outFile, "w")
for (const line of readFileSync(casesFile, "utf8").split("\n")) {
  if (line === "") continue
  const { truths: file, results } = JSON.parse(line) as { truths: CocoAnnotationFile; results: CocoResultRecord[] }
  const truths = truthsFromCoco(file)
  const evaluation = evaluateCoco(truths, detectionsFromCoco(truths, results), { truthIdZero: "pycocotools" })
  for (const array of [evaluation.precision, evaluation.recall, evaluation.scores, evaluation.stats]) {
    writeSync(out, new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  }
}
closeSync(out)
