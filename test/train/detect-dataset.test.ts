import type * as tf from "@tensorflow/tfjs-core"
import { beforeAll, expect, test } from "vitest"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { readDataset } from "../../datasets/read.js"
import { imageNet } from "../../src/core/normalisation.js"
import type { FasterRcnn } from "../../src/detector/faster-rcnn.js"
import { startEngine } from "../../src/engine/start.js"
import { detectDataset } from "../../src/train/detect-dataset.js"
import { tempFolder } from "../datasets/samples.js"
import { brightBox, shown, twins, writeTwin } from "../datasets/turned-photos.js"

beforeAll(() => startEngine())

/** Finds the box around what is bright, in input pixels. */
const detector = {
  async detect(images: tf.Tensor4D) {
    const data = Uint8Array.from(images.dataSync(), (value) => (value > 0 ? 255 : 0))
    const [, height, width] = images.shape
    const box = Float32Array.from(brightBox({ data, height, width }))
    return [{ boxes: box, scores: Float32Array.of(1), labels: Int32Array.of(1) }]
  },
} as unknown as FasterRcnn

test.each(twins)("%s: validation finds a perfect detector perfect", async (twin) => {
  const set = await readDataset(await writeTwin(tempFolder(), twin))
  const faults = new PhotoFaults(set.source)
  const inputs = { size: 2 * shown.height, maxSize: 200, input: imageNet }
  const [found] = await detectDataset(detector, set.images, inputs, { faults })
  expect([...found!.boxes]).toEqual([...set.images[0]!.boxes])
  expect(faults.faults.length).toBe(twin === "stored" ? 1 : 0)
})

test("a photo that cannot be read has no detections, and the others keep their places", async () => {
  const folder = tempFolder()
  const { images } = await readDataset(await writeTwin(folder, "plain"))
  const inputs = { size: shown.height, maxSize: 200, input: imageNet }
  const done: number[] = []
  const all = [{ ...images[0]!, file: `${folder}/gone.jpg` }, images[0]!]
  const found = await detectDataset(detector, all, inputs, { onImage: (count) => done.push(count) })
  expect(found.map(({ scores }) => scores.length)).toEqual([0, 1])
  expect(done).toEqual([1, 2])
})
