import fc from "fast-check"
import { expect, test } from "vitest"
import { concatFloat32 } from "../../src/boxes/boxes.js"
import { iou } from "../../src/boxes/iou.js"
import { bestIous, type FitImage, recallAt } from "../../src/rpn/anchor-fit.js"
import { searchAnchors } from "../../src/rpn/anchor-search.js"
import { anchorLevels, anchorOptions, levelAnchors } from "../../src/rpn/anchors.js"

const image = (boxes: number[][], levels: FitImage["levels"] = [[20, 20]]): FitImage => ({
  boxes: Float64Array.from(boxes.flat()),
  levels,
})

test("the best IoU is that of the best of all anchors, on one level and on several, at the border too", () => {
  const place = fc.double({ min: -20, max: 160, noNaN: true })
  const side = fc.double({ min: 1, max: 200, noNaN: true })
  const options = {
    one: anchorOptions({ sizes: [16, 40], ratios: [0.5, 1, 2], stride: 16 }),
    several: anchorOptions({ sizes: [8, 30], ratios: [0.5, 2], stride: 8 }),
  }
  const levels = {
    one: [[7, 9]],
    several: [
      [13, 18],
      [7, 9],
    ],
  } as const
  fc.assert(
    fc.property(place, place, side, side, fc.constantFrom("one" as const, "several" as const), (x, y, w, h, which) => {
      const box = Float64Array.of(x, y, x + w, y + h)
      const all = concatFloat32(levelAnchors(levels[which], options[which]))
      const brute = Math.max(...Array.from({ length: all.length / 4 }, (_, i) => iou(all, i, box, 0)))
      const [best] = bestIous([image([[x, y, x + w, y + h]], levels[which])], options[which])
      expect(best).toBeCloseTo(brute, 5)
    }),
  )
})

test("an object that is an anchor has 1, one of twice the area around it 1/2", () => {
  const options = anchorOptions({ sizes: [32], ratios: [1], stride: 16 })
  const ious = bestIous(
    [
      image([
        [0, 0, 32, 32],
        [16, 16, 48, 80],
      ]),
    ],
    options,
  )
  expect([...ious]).toEqual([1, 0.5])
  expect([recallAt(ious, 0.5), recallAt(ious, 0.7), recallAt(ious, 1)]).toEqual([1, 0.5, 0.5])
  expect(recallAt(new Float32Array(0), 0.5)).toBeNaN()
})

test("a pyramid with other than one size a level is refused", () => {
  expect(() =>
    anchorLevels(
      [
        [4, 4],
        [2, 2],
      ],
      anchorOptions({ sizes: [8], ratios: [1], stride: 8 }),
    ),
  ).toThrow("expected 2 anchor sizes, one for each level, got 8")
})

test("the search finds the sizes and the ratio that the objects have, and no better ones than fit already", () => {
  const boxes = Array.from({ length: 60 }, (_, i) => {
    const side = [45, 91, 181][i % 3]!
    return [10 * i, 5, 10 * i + side / 2, 5 + 2 * side]
  })
  const images = [image(boxes, [[30, 60]])]
  const found = searchAnchors(images, anchorOptions({ sizes: [32, 64, 512], ratios: [1], stride: 16 }))
  expect(found).toEqual({ sizes: [45, 91, 181], ratios: [4], stride: 16 })
  expect(searchAnchors(images, found)).toEqual(found)
})

test("a pyramid's search gives each level a size that fits its stride, and leaves the images as they are", () => {
  const boxes = Array.from({ length: 40 }, (_, i) => (i % 2 ? [3 * i, 0, 3 * i + 11, 11] : [i, 20, i + 91, 111]))
  const images = [
    image(boxes, [
      [40, 40],
      [20, 20],
    ]),
  ]
  const found = searchAnchors(images, anchorOptions({ sizes: [32, 64], ratios: [1], stride: 4 }))
  expect(found.sizes).toEqual([11, 91])
})
