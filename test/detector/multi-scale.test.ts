import * as tf from "@tensorflow/tfjs-core"
import { expect, test } from "vitest"
import { maxout } from "../../src/detector/multi-scale.js"
import { onEveryEngine } from "../support/engines.js"

const looks = [1, 2, 4].map((scale) => ({ scaleX: scale, scaleY: scale }))

onEveryEngine("maxout", () => {
  // A region of 400 belongs to scales 1 and 2, one of 20 to 4 and 2, one of 224 to 1 and 2.
  const regions = Float32Array.of(0, 0, 400, 400, 0, 0, 20, 20, 0, 0, 224, 224)
  // The vector says the side of the region and, against it, the scale.
  const vectorsAt = (boxes: Float32Array, { scaleX }: { scaleX: number }) =>
    tf.tensor2d(
      Array.from({ length: boxes.length / 4 }, (_, r) => [boxes[4 * r + 2]! * scaleX, -scaleX]),
      [boxes.length / 4, 2],
    )

  test("takes the larger value of each channel of a region's two scales, in the regions' order", () => {
    tf.tidy(() => {
      expect(maxout(regions, looks, vectorsAt).arraySync()).toEqual([
        [800, -1],
        [80, -2],
        [448, -1],
      ])
    })
  })

  test("asks each scale for its own regions alone", () => {
    const asked: string[] = []
    tf.tidy(() => {
      maxout(regions, looks, (boxes, look) => {
        asked.push(`${look.scaleX}: ${boxes.filter((_, at) => at % 4 === 2).join(" ")}`)
        return vectorsAt(boxes, look)
      })
    })
    expect(asked).toEqual(["1: 400 224", "2: 400 20 224", "4: 20"])
  })

  test("without regions there are no vectors", () => {
    tf.tidy(() => {
      expect(maxout(new Float32Array(0), looks, vectorsAt).shape).toEqual([0, 2])
    })
  })
})
