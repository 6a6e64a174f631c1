import { expect, test } from "vitest"
import { imageNet } from "../../src/core/normalisation.js"
import { drawnTruths, inputImage } from "../../src/tasks/training/look.js"

test("an image of a batch comes back to its own pixels, without its padding", () => {
  const [height, width] = [2, 3]
  const value = (n: number, y: number, x: number, c: number) => (n * 101 + y * 37 + x * 11 + c * 5) % 256
  const pixels = Float32Array.from({ length: 2 * height * width * 3 }, (_, i) => {
    const [c, x, y, n] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 9) % height, Math.floor(i / 18)]
    return (value(n, y, x, c) / 255 - imageNet.mean[c]!) / imageNet.std[c]!
  })
  const image = inputImage({ pixels, shape: [2, height, width, 3] }, 1, imageNet, { height: 1, width: 2 })
  const expected = [0, 1].flatMap((x) => [0, 1, 2].map((c) => value(1, 0, x, c)))
  expect(image).toEqual({ height: 1, width: 2, data: Uint8Array.from(expected) })
})

test("truths are drawn under their classes' names, as corner and size", () => {
  expect(drawnTruths([1, 2, 5, 9], [2], ["cat", "dog"])).toEqual([{ kind: "object", label: "dog", bbox: [1, 2, 4, 7] }])
})
