import { expect, test } from "vitest"
import { toImage, viewsOf } from "../../src/localize/view.js"
import { rectangle } from "./made-up-images.js"

const plain = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const
const image = rectangle(40, 80, [30, 10, 50, 30], 1)
const red = ({ pixels, width }: { pixels: Float32Array; width: number }, y: number, x: number) =>
  pixels[3 * (y * width + x)]

test("a dense view is the whole image at each size", () => {
  const views = viewsOf(image, { view: "dense", sizes: [40, 20] }, 32, plain)
  expect(views.map(({ height, width }) => [height, width])).toEqual([
    [40, 80],
    [20, 40],
  ])
  expect([...views[0]!.pixels]).toEqual([...image.data])
  expect([red(views[1]!, 10, 20), red(views[1]!, 2, 2)]).toEqual([250, 110])
})

test("the centre view is cut from the middle of the resized image", () => {
  const [view] = viewsOf(image, { view: "centre", sizes: [40] }, 32, plain)
  expect(view).toMatchObject({ height: 32, width: 32, top: 4, left: 24 })
  // Image row 10 and column 30 begin the rectangle: row 6, column 6 of the crop.
  expect([red(view!, 6, 6), red(view!, 5, 6), red(view!, 6, 5)]).toEqual([250, 110, 110])
})

test("boxes of a view go back to image pixels", () => {
  const [dense] = viewsOf(image, { view: "dense", sizes: [20] }, 32, plain)
  expect([...toImage(Float32Array.of(15, 5, 25, 15), dense!)]).toEqual([30, 10, 50, 30])
  const [centre] = viewsOf(image, { view: "centre", sizes: [40] }, 32, plain)
  expect([...toImage(Float32Array.of(6, 6, 26, 26), centre!)]).toEqual([30, 10, 50, 30])
})

test("a centre crop larger than the image is refused", () => {
  expect(() => viewsOf(image, { view: "centre", sizes: [20] }, 32, plain)).toThrow(
    "viewsOf: expected sizes of at least the crop's side, 32, got 20",
  )
})
