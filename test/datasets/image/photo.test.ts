import { expect, test } from "vitest"
import { cutRgb } from "../../../datasets/image/cut.js"
import { decodeImage } from "../../../datasets/image/decode.js"
import { RgbPhoto } from "../../../datasets/image/photo.js"
import { makeDetectionInputs } from "../../../datasets/loader/detection-inputs.js"
import { openDefaults } from "../../../datasets/open-sample.js"
import { imageNet } from "../../../src/core/normalisation.js"
import { png } from "../samples.js"

/** 3 x 2 pixels whose red tells their place. */
const image = { data: Uint8Array.from({ length: 18 }, (_, at) => 10 * Math.floor(at / 3)), height: 2, width: 3 }
const red = ({ data }: { data: Uint8Array }) => [...data.filter((_, at) => at % 3 === 0)]

test("a part is cut out row by row", () => {
  expect(cutRgb(image, [1, 0, 3, 2])).toMatchObject({ height: 2, width: 2 })
  expect(red(cutRgb(image, [1, 0, 3, 2]))).toEqual([10, 20, 40, 50])
  expect(red(cutRgb(image, [0, 1, 1, 2]))).toEqual([30])
  expect(cutRgb(image, [0, 0, 3, 2])).toEqual(image)
})

test("an input is what the loader makes of the same file", async () => {
  const file = png(40, 30)
  const how = { size: 64, maxSize: 80, divisor: 32, ...imageNet, ...openDefaults }
  const photos = [{ file: "made up", image: file, flip: false }]
  const { pixels, shape, placed } = await makeDetectionInputs({ photos, ...how })
  const input = new RgbPhoto(await decodeImage(file)).input({ size: 64, maxSize: 80 }, imageNet)
  expect(input.shape).toEqual(shape)
  expect([input.height, input.width]).toEqual([placed[0]!.height, placed[0]!.width])
  expect(input.values).toEqual(pixels)
})

test("mirrored, the first column is the last, and the padding stays where it is", () => {
  const sizes = { size: 2, maxSize: 3 }
  const [plain, mirrored] = [new RgbPhoto(image), new RgbPhoto(image).mirrored()].map((photo) =>
    photo.input(sizes, imageNet),
  )
  const row = ({ values }: { values: Float32Array }) => [0, 1, 2, 3].map((x) => values[3 * x])
  expect(row(mirrored!)).toEqual([row(plain!)[2], row(plain!)[1], row(plain!)[0], 0])
  expect(new RgbPhoto(image).mirrored().mirrored().input(sizes, imageNet)).toEqual(plain)
})

test("a part of a mirrored photo is what it shows there: the mirror image of the part on the other side", () => {
  const sizes = { size: 2, maxSize: 3 }
  const photo = new RgbPhoto(image)
  const part = photo.mirrored().part([0, 0, 2, 2])
  expect([part.height, part.width]).toEqual([2, 2])
  expect(part.input(sizes, imageNet)).toEqual(photo.part([1, 0, 3, 2]).mirrored().input(sizes, imageNet))
})
