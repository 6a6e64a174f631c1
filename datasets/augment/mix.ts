import type { Random } from "../../src/core/random.js"
import { resizeInto } from "../image/resize.js"
import type { RgbImage } from "../image/rgb.js"
import { area, type Box, type Colour, cutOut, filled, isTenthLeft, pasteInto, type Scene } from "./scene.js"

/** Where the four pictures of a mosaic meet, in parts of its width and height. @source Albumentations `Mosaic`: center_range */
const centres = [0.3, 0.7] as const

/**
 * Four scenes around a point, as large as the first one: each fills its quarter with the corner that points there. The
 * others are scaled to the first one's size before.
 * @source Bochkovskiy et al. 2020 (YOLOv4); Albumentations `Mosaic`
 */
export function mosaic(scenes: readonly Scene[], fill: Colour, random: Random): Scene {
  const { height, width } = scenes[0]!.image
  const [x, y] = [width, height].map((side) => {
    return Math.round(side * (centres[0] + (centres[1] - centres[0]) * random.uniform()))
  }) as [number, number]
  const image = filled(height, width, fill)
  const objects = scenes.flatMap((given, i) => {
    const scene = i === 0 ? given : scaledTo(given, height, width)
    const [right, below] = [i % 2 === 1, i >= 2]
    const quarter = {
      // The corner next to the point: of the upper left picture the lower right one.
      left: right ? 0 : scene.image.width - x,
      top: below ? 0 : scene.image.height - y,
      width: right ? width - x : x,
      height: below ? height - y : y,
    }
    const part = cutOut(scene, quarter, fill, isTenthLeft)
    const [left, top] = [right ? x : 0, below ? y : 0]
    pasteInto(image, part.image, left, top)
    return part.objects.map((object) => ({ ...object, box: moved(object.box, left, top) }))
  })
  return { image, objects }
}

/** A Beta(32, 32) share is the median of 63 uniform ones. @source YOLOX and Ultralytics `MixUp`: beta(32, 32) */
const betaDraws = 63

/** Two scenes shown through each other, as large as the first one, with the objects of both. @source Zhang et al. 2019, "Bag of Freebies" */
export function mixUp(first: Scene, second: Scene, fill: Colour, random: Random): Scene {
  const { height, width } = first.image
  const share = Float64Array.from({ length: betaDraws }, () => random.uniform()).sort()[(betaDraws - 1) / 2]!
  const scaled = scaledTo(second, height, width)
  const other = cutOut(scaled, { left: 0, top: 0, width, height }, fill, isTenthLeft)
  const data = first.image.data.map((value, at) => Math.round(share * value + (1 - share) * other.image.data[at]!))
  return { image: { data, height, width }, objects: [...first.objects, ...other.objects] }
}

/** A scene whose area is about that of `height` x `width`, its shape as it was. */
function scaledTo(scene: Scene, height: number, width: number): Scene {
  const { image, objects } = scene
  const scale = Math.sqrt((height * width) / (image.height * image.width))
  if (scale === 1) return scene
  const resized = resizeRgb(
    image,
    Math.max(1, Math.round(image.height * scale)),
    Math.max(1, Math.round(image.width * scale)),
  )
  const [across, down] = [resized.width / image.width, resized.height / image.height]
  const scaledBox = ([x1, y1, x2, y2]: Box): Box => [x1 * across, y1 * down, x2 * across, y2 * down]
  return {
    image: resized,
    objects: objects.map((object) => ({ ...object, box: scaledBox(object.box) })).filter(({ box }) => area(box) > 0),
  }
}

/** Bilinear, as every resize here, rounded to bytes. */
function resizeRgb(image: RgbImage, height: number, width: number): RgbImage {
  const out = new Float32Array(3 * height * width)
  const whole = {
    offset: 0,
    rowStride: 3 * width,
    flip: false,
    mean: [0, 0, 0],
    std: [1 / 255, 1 / 255, 1 / 255],
  } as const
  resizeInto(image, { out, height, width, ...whole })
  return { data: Uint8Array.from(out, Math.round), height, width }
}

const moved = ([x1, y1, x2, y2]: Box, left: number, top: number): Box => [x1 + left, y1 + top, x2 + left, y2 + top]
