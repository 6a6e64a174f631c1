// Small networks as the tasks that `classify train` and `train` make of them: what of a step is recorded is decided there.
import { ResNet } from "../../dist/src/backbone/classifier.js"
import { cifarSpec } from "../../dist/src/backbone/networks.js"
import { classificationTask } from "../../dist/src/classify/task.js"
import { Parameters, Scope } from "../../dist/src/core/parameters.js"
import { seededRandom } from "../../dist/src/core/random.js"
import { buildFasterRcnn } from "../../dist/src/detector/build.js"
import { modelDefaults } from "../../dist/src/detector/model.js"
import { fasterRcnnDefaults } from "../../dist/src/detector/options.js"
import { detectionTask } from "../../dist/src/train/detection-task.js"

/** @param batches how many an epoch has; of each kind of network a task, made anew with the same weights */
export const recordedTasks = (batches) => ({
  classifier() {
    const parameters = new Parameters(seededRandom(1))
    const network = new ResNet(new Scope(parameters), cifarSpec(8), { norm: "frozen" })
    const data = { training: loaderOf(batches, classifierBatch), name: (image) => `picture ${image}` }
    return classificationTask(network, parameters, data, { statisticsImages: 0 })
  },
  detector() {
    const parameters = new Parameters(seededRandom(1))
    const detector = buildFasterRcnn(parameters, { ...modelDefaults, options }, 2, backbone)
    return detectionTask(detector, parameters, loaderOf(batches, detectorBatch), undefined, {})
  },
})

const layer = (ops, name, x, from, to) =>
  ops.conv(x, { conv: name, norm: `${name}_norm`, kernel: 3, stride: 4, in: from, out: to }, { norm: "none", relu: true })

const backbone = {
  channels: 16,
  strides: [16],
  features: (ops, images) => [layer(ops, "second", layer(ops, "first", images, 3, 8), 8, 16)],
}

const { proposals } = fasterRcnnDefaults
const options = {
  ...fasterRcnnDefaults,
  anchors: { ...fasterRcnnDefaults.anchors, sizes: [32] },
  roi: { ...fasterRcnnDefaults.roi, sample: { batchSizePerImage: 8, positiveFraction: 0.25 } },
  proposals: { ...proposals, train: { ...proposals.train, preNmsTopN: 40, postNmsTopN: 20 } },
}

/** What of a loader a task asks for. */
const loaderOf = (batchesPerEpoch, batchAt) => ({
  batchesPerEpoch,
  async *epoch(epoch, start, isOwn = () => true) {
    for (let index = start; index < batchesPerEpoch; index++) {
      if (isOwn(index)) yield { ...batchAt(index), epoch, index, waitedMs: 0 }
    }
  },
})

function pixelsOf(index, shape) {
  const random = seededRandom(200 + index)
  return { shape, pixels: Float32Array.from({ length: shape.reduce((all, one) => all * one) }, () => random.normal()) }
}

function classifierBatch(index) {
  const labels = Int32Array.of(index, 9 - index)
  return { ...pixelsOf(index, [2, 16, 16, 3]), labels, images: [2 * index, 2 * index + 1] }
}

/** Two pictures with an object each, never in the same place. */
function detectorBatch(index) {
  const images = [0, 1].map((n) => ({
    ...{ record: { id: `picture ${2 * index + n}` }, height: 64, width: 96 },
    ...{ boxes: Float32Array.of(8 * index, 10, 8 * index + 40, 50), labels: Int32Array.of(1 + n) },
    ...{ crowd: new Uint8Array(1), difficult: new Uint8Array(1) },
  }))
  return { ...pixelsOf(index, [2, 64, 96, 3]), images }
}
