/**
 * One evaluation in one process, for `bench-eval`: files to 12 numbers, with times and memory as one line of JSON.
 * `node bench-eval-ours.js truths.json results.json` or `node bench-eval-ours.js --read results.json`
 */
import { evaluateCoco, readCocoDetections, readCocoResults, readCocoTruths } from "../src/eval/public.js"
import { readBytes } from "../src/json/read-bytes.js"

const seconds = (since: number) => (performance.now() - since) / 1000
/** The most memory the process ever held, in MB. */
const peak = () => process.resourceUsage().maxRSS / 1024

const [first, second] = process.argv.slice(2) as [string, string]
const start = performance.now()
if (first === "--read") {
  let records = 0
  let sum = 0
  const before = peak()
  await readCocoResults(readBytes(second), second, (_image, _category, box, score) => {
    records++
    sum += box[0]! + score
  })
  console.log(JSON.stringify({ records, sum, seconds: seconds(start), peakBefore: before, peak: peak() }))
} else {
  const truths = await readCocoTruths(readBytes(first), first)
  const detections = await readCocoDetections(truths, readBytes(second), second)
  const load = seconds(start)
  const evaluated = performance.now()
  const { stats } = evaluateCoco(truths, detections)
  const evaluate = seconds(evaluated)
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ load, evaluate, cpu: (user + system) / 1e6, peak: peak(), stats: [...stats] }))
}
