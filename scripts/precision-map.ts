/**
 * What bf16 costs in mAP: a trained detector over a data set in float32 and in bf16, the figures side by side and how far
 * they are apart, in points.
 * `node dist/scripts/precision-map.js --weights runs/bccd/weights/best.safetensors --data bccd --split test [--json FILE]`
 */
import { writeFileSync } from "node:fs"
import { precisions } from "../src/engine/names.js"
import { evaluateDetector } from "../src/tasks/evaluate-detector.js"
import { parseFlags } from "./flags.js"

const { values } = parseFlags({
  options: {
    weights: { type: "string" },
    data: { type: "string" },
    split: { type: "string", default: "val" },
    json: { type: "string" },
  },
})
const { weights, data, split } = values
if (weights === undefined || data === undefined) throw new Error("precision-map: expected --weights and --data")

const metrics: ("coco" | "voc12")[] = ["coco", "voc12"]
const runs = []
for (const precision of precisions) {
  const began = performance.now()
  const options = {
    weights,
    data,
    split,
    precision,
    engine: "tensorflow",
    metrics,
    details: false,
  } as const
  const { coco, voc } = await evaluateDetector(options)
  const figures = { AP: coco.AP, AP50: coco.AP50, AP75: coco.AP75, voc12: voc[0]!.voc12 }
  runs.push({ precision, figures, seconds: (performance.now() - began) / 1000 })
}
const [exact, rounded] = runs as [(typeof runs)[0], (typeof runs)[0]]
for (const { precision, figures, seconds } of runs) print(precision, figures, `${seconds.toFixed(0)} s`)
const apart = Object.entries(exact.figures).map(([name, value]) => [
  name,
  rounded.figures[name as keyof typeof exact.figures] - value,
])
print("difference", Object.fromEntries(apart) as typeof exact.figures, "")
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ weights, data, split, runs }, null, 2)}\n`)

function print(who: string, figures: Readonly<Record<string, number>>, note: string): void {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${(100 * value).toFixed(2).padStart(6)}`)
  process.stdout.write(`${who.padEnd(12)}${shown.join("  ")}  ${note}\n`)
}
