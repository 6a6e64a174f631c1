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
  const boxes: number[][] = []
  await detectDataset(detector, set.images, inputs, (_, found) => boxes.push([...found.boxes]), { faults })
  expect(boxes).toEqual([[...set.images[0]!.boxes]])
  expect(faults.faults.length).toBe(twin === "stored" ? 1 : 0)
})

test("a photo that cannot be read is passed over, and the others come with their records, each before the next", async () => {
  const folder = tempFolder()
  const { images } = await readDataset(await writeTwin(folder, "plain"))
  const inputs = { size: shown.height, maxSize: 200, input: imageNet }
  const all = [{ ...images[0]!, file: `${folder}/gone.jpg` }, images[0]!, { ...images[0]!, id: "again" }]
  const taken: string[] = []
  await detectDataset(
    {
      ...detector,
      detect: (photos: tf.Tensor4D) => {
        taken.push("looked")
        return detector.detect(photos, [])
      },
    } as unknown as FasterRcnn,
    all,
    inputs,
    ({ id }) => taken.push(id),
  )
  expect(taken).toEqual(["looked", all[1]!.id, "looked", "again"])
})
