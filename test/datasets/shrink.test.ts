import { expect, test } from "vitest"
import { shrink } from "../../datasets/image/shrink.js"

test("a picture is shrunk to means of whole blocks, those at the edges smaller", () => {
  // 5 x 3 pixels of one colour each: red counts, green is constant.
  const data = Array.from({ length: 15 }, (_, i) => [10 * i, 7, 255]).flat()
  const small = shrink({ data: Uint8Array.from(data), width: 5, height: 3 }, 3)
  expect([small.width, small.height]).toEqual([3, 2])
  const red = [...small.data].filter((_, i) => i % 3 === 0)
  expect(red).toEqual([30, 50, 65, 105, 125, 140])
  expect([...small.data].filter((_, i) => i % 3 !== 0)).toEqual(Array(6).fill([7, 255]).flat())
})

test("a picture that is small enough stays the same", () => {
  const image = { data: new Uint8Array(12), width: 2, height: 2 }
  expect(shrink(image, 2)).toBe(image)
})
