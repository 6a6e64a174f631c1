// Trains a detector on images made in code, with a backbone of its own; evaluates, exports and runs it.
import { writeFileSync } from "node:fs"
import { type BackboneSpec, drawDetections, evaluateDetector, exportModel, loadDetector, trainDetector } from "resdet"

/** A bright square on a dark image of 96x96. */
function sample(n: number) {
  const [size, side, x, y] = [96, 24 + (n % 3) * 8, (n * 17) % 56, (n * 29) % 56]
  const data = new Uint8Array(size * size * 3).fill(40)
  for (let row = y; row < y + side; row++) data.fill(220, (row * size + x) * 3, (row * size + x + side) * 3)
  return { image: { data, width: size, height: size }, boxes: [[x, y, x + side, y + side]], labels: ["square"] }
}
const samples = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => sample(from + i))

/** Four convolutions, one map of stride 16. */
const channels = [3, 16, 32, 64, 64]
const backbone: BackboneSpec = {
  channels: 64,
  strides: [16],
  features(ops, images) {
    const layers = channels.slice(1).map((out, i) => {
      return { conv: `conv${i}`, norm: `norm${i}`, kernel: 3, stride: 2, in: channels[i]!, out }
    })
    return [layers.reduce((x, layer) => ops.conv(x, layer, { norm: "none", relu: true }), images)]
  },
}

const data = { data: samples(0, 24), valData: samples(24, 32), size: 96, backbone }
const { weights: files } = await trainDetector(
  { ...data, epochs: 10, lr: 0.02, out: "own-run", logEvery: 20 },
  { onStep: ({ step, losses }) => console.log(`step ${step}: loss ${losses.loss!.toFixed(3)}`) },
)
const weights = files.best ?? files.last
const { coco } = await evaluateDetector({ weights, backbone, data: samples(24, 32) })
console.log(`AP50 ${coco.AP50.toFixed(3)}`)
const { out } = await exportModel({ weights, backbone, out: "own.onnx" })
using detector = await loadDetector(out)
const { detections } = await detector.detect(sample(99).image, { score: 0.3 })
writeFileSync("found.jpg", await drawDetections(sample(99).image, detections))
