import { expect, test } from "vitest"
import { decodeImage } from "../../datasets/image/decode.js"
import { labelColour } from "../../datasets/image/label-colour.js"
import { drawDetections } from "../../src/predict/images.js"

const image = { data: new Uint8Array(3 * 240 * 240).fill(40), width: 240, height: 240 }
const detections = [{ box: [60, 100, 180, 200], label: "cat", classId: 1, score: 0.97 }] as const

/** How many pixels above the box are about the colour of its label's field. */
async function labelled(options: Parameters<typeof drawDetections>[2]): Promise<number> {
  const { data } = await decodeImage(await drawDetections(image, detections, options))
  const colour = labelColour(1)
  const isField = (at: number) => colour.every((value, c) => Math.abs(data[at + c]! - value) < 60)
  let count = 0
  for (let y = 85; y < 99; y++) for (let x = 0; x < 240; x++) if (isField(3 * (y * 240 + x))) count++
  return count
}

test("labels and scores can be left out of pictures", async () => {
  const [all, noScores, none] = [
    await labelled({}),
    await labelled({ hideScores: true }),
    await labelled({ hideLabels: true }),
  ]
  expect(none).toBe(0)
  expect(noScores).toBeGreaterThan(50)
  expect(all).toBeGreaterThan(1.6 * noScores)
})
