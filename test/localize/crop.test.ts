import { expect, test } from "vitest"
import { seededRandom } from "../../src/core/random.js"
import { centreCrop, cropDefaults, cropOptions, cropTruths, drawCrop } from "../../src/localize/crop.js"

/** Of an image of 100 x 200, enlarged to twice its size. */
const crop = { height: 200, width: 400, scaleX: 2, scaleY: 2, top: 20, left: 40, side: 100, mirrored: false }
const none = new Float32Array(0)

test("a truth moves with the resize and the crop, and is cut at its border", () => {
  const truths = { label: 3, boxes: Float32Array.of(30, 20, 60, 50, 60, 20, 80, 40), ignored: none }
  const placed = cropTruths(truths, crop, 0.3)
  expect(placed).toEqual({ label: 3, boxes: Float32Array.of(20, 20, 80, 80, 80, 20, 100, 60), ignored: none })
})

test("a mirrored crop mirrors its truths within itself", () => {
  const truths = { label: 1, boxes: Float32Array.of(30, 20, 60, 50), ignored: Float32Array.of(20, 10, 25, 20) }
  const placed = cropTruths(truths, { ...crop, mirrored: true }, 0.3)
  expect([...placed.boxes]).toEqual([20, 20, 80, 80])
  expect([...placed.ignored]).toEqual([90, 0, 100, 20])
})

test("of what too little is seen is neither object nor background; of what nothing is seen is gone", () => {
  const truths = { label: 1, boxes: Float32Array.of(65, 20, 85, 40, 90, 0, 100, 100), ignored: none }
  const placed = cropTruths(truths, crop, 0.3)
  expect([...placed.boxes]).toEqual([])
  expect([...placed.ignored]).toEqual([90, 20, 100, 60])
})

test("a drawn crop lies inside the resized image, whose shorter side is one of the allowed", () => {
  const random = seededRandom(4)
  const options = cropOptions({ side: 64, shorter: [64, 66] })
  const crops = Array.from({ length: 200 }, () => drawCrop([50, 80], none, options, random))
  for (const { height, width, scaleX, scaleY, top, left } of crops) {
    expect(top).toBeGreaterThanOrEqual(0)
    expect(left).toBeGreaterThanOrEqual(0)
    expect(top + 64).toBeLessThanOrEqual(height)
    expect(left + 64).toBeLessThanOrEqual(width)
    expect([scaleX, scaleY]).toEqual([width / 80, height / 50])
  }
  expect(new Set(crops.map(({ height }) => height))).toEqual(new Set([64, 65, 66]))
  expect(new Set(crops.map(({ mirrored }) => mirrored))).toEqual(new Set([true, false]))
  expect(Math.max(...crops.map(({ width, left }) => left + 64 - width))).toBe(0)
})

test("a crop that shows an object is preferred to one that shows none", () => {
  const object = Float32Array.of(0, 0, 20, 20)
  const seen = (attempts: number) => {
    const options = cropOptions({ side: 64, shorter: [64, 64], attempts })
    return Array.from({ length: 40 }, (_, seed) => {
      const drawn = drawCrop([20, 200], object, options, seededRandom(seed))
      return cropTruths({ label: 1, boxes: object, ignored: none }, drawn, options.minVisible).boxes.length
    }).filter((length) => length > 0).length
  }
  expect(seen(50)).toBe(40)
  expect(seen(1)).toBeLessThan(20)
})

test("the same random source draws the same crop", () => {
  const draw = (seed: number) => drawCrop([300, 400], none, cropDefaults, seededRandom(seed))
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
})

test("the centre crop leaves as much on either side", () => {
  expect(centreCrop([200, 400], 100, 60)).toMatchObject({ top: 20, left: 70, side: 60, mirrored: false })
})

test("crops larger than the images, and sides in the wrong order, are told", () => {
  expect(() => cropOptions({ shorter: [200, 480] })).toThrow(
    "cropOptions: expected shorter to be at least the crop's side, 224, got [200,480]",
  )
  expect(() => cropOptions({ shorter: [480, 256] })).toThrow("two whole numbers, the smaller first")
})
