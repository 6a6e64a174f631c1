// Trains a detector on images made in code, with a backbone of its own; evaluates, exports and runs it.
// npx tsx examples/own-data.ts, or as JavaScript without the types.

import { writeFileSync } from "node:fs"
import { type BackboneSpec, drawDetections, evaluateDetector, exportModel, loadDetector, trainDetector } from "resdet"

/** A bright square on a dark image of 96x96. */
function sample(n: number) {
  const [size, side, x, y] = [96, 24 + (n % 3) * 8, (n * 17) % 56, (n * 29) % 56]
  const data = new Uint8Array(size * size * 3).fill(40)
  for (let row = y; row < y + side; row++)
    data.fill(n % 2 ? 200 : 240, (row * size + x) * 3, (row * size + x + side) * 3)
  return { image: { data, width: size, height: size }, boxes: [[x, y, x + side, y + side]], labels: ["square"] }
}
const samples = (from: number, count: number) => Array.from({ length: count }, (_, i) => sample(from + i))

/** Four convolutions, one map of stride 16. */
const channels = [3, 16, 32, 64, 64]
const backbone: BackboneSpec = {
  channels: 64,
  strides: [16],
  features: (ops, images) => [
    channels.slice(1).reduce((x, out, i) => {
      const layer = { conv: `conv${i}`, norm: `norm${i}`, kernel: 3, stride: 2, in: channels[i]!, out }
      return ops.conv(x, layer, { norm: "none", relu: true })
    }, images),
  ],
}

const run = await trainDetector(
  {
    data: samples(0, 24),
    valData: samples(24, 8),
    backbone,
    epochs: 10,
    lr: 0.02,
    size: 96,
    out: "own-run",
    logEvery: 20,
  },
  { onStep: ({ step, losses }) => console.log(`step ${step}: loss ${losses.loss!.toFixed(3)}`) },
)
const weights = run.weights.best ?? run.weights.last
const report = await evaluateDetector({ weights, backbone, data: samples(24, 8) })
console.log(`AP50 ${report.coco.AP50.toFixed(3)}`)
const { out } = await exportModel({ weights, backbone, out: "own.onnx" })
using detector = await loadDetector(out)
const { detections } = await detector.detect(sample(99).image, { score: 0.3 })
writeFileSync("found.jpg", await drawDetections(sample(99).image, detections))
