import type { RgbImage } from "../image/rgb.js"

/** A picture in the making: pixels, and the objects in it. */
export interface Scene {
  readonly image: RgbImage
  /** In pixels of `image`. */
  readonly objects: readonly SceneObject[]
}

interface SceneObject {
  /** Which of the photos it comes from, and its place among that photo's truths. */
  readonly photo: number
  readonly index: number
  readonly box: Box
}

export type Box = readonly [x1: number, y1: number, x2: number, y2: number]

/** A rectangle in whole pixels of a picture, which may reach over its edges. */
export interface Cutout {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export type Colour = readonly [red: number, green: number, blue: number]

/** Whether an object that was cut still counts. @param box what is left of it @param whole what it was */
export type Keeps = (box: Box, whole: Box) => boolean

export const area = ([x1, y1, x2, y2]: Box): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1)

/** An object counts as long as a tenth of it is left. @source Ultralytics `box_candidates`, area_thr 0.1 */
export const isTenthLeft: Keeps = (box, whole) => area(box) >= 0.1 * area(whole)

/** An object counts as long as its centre is left. @source torchvision v2 `RandomIoUCrop` */
export const isCentreLeft =
  ({ width, height }: Cutout): Keeps =>
  (_, [x1, y1, x2, y2]) => {
    const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2]
    return x > 0 && y > 0 && x < width && y < height
  }

/**
 * A cutout of a scene as a scene of its own: what lies outside is filled, boxes are moved and clipped.
 * @param keeps is asked in the cutout's pixels; an object of which nothing is left goes anyway
 */
export function cutOut(scene: Scene, cutout: Cutout, fill: Colour, keeps: Keeps): Scene {
  const { left, top, width, height } = cutout
  const objects = scene.objects.flatMap((object): SceneObject[] => {
    const [x1, y1, x2, y2] = object.box
    const whole: Box = [x1 - left, y1 - top, x2 - left, y2 - top]
    const box = clipped(whole, width, height)
    return area(box) > 0 && keeps(box, whole) ? [{ ...object, box }] : []
  })
  const image = filled(height, width, fill)
  pasteInto(image, scene.image, -left, -top)
  return { image, objects }
}

const clipped = ([x1, y1, x2, y2]: Box, width: number, height: number): Box => [
  Math.max(0, x1),
  Math.max(0, y1),
  Math.min(width, x2),
  Math.min(height, y2),
]

export function filled(height: number, width: number, [red, green, blue]: Colour): RgbImage {
  const data = new Uint8Array(3 * height * width)
  for (let at = 0; at < data.length; at += 3) {
    data[at] = red
    data[at + 1] = green
    data[at + 2] = blue
  }
  return { data, height, width }
}

/** Copies a picture into another one, its upper left corner at `left`, `top`; what does not fit is left out. */
export function pasteInto(target: RgbImage, image: RgbImage, left: number, top: number): void {
  const [x1, x2] = [Math.max(0, left), Math.min(target.width, left + image.width)]
  if (x1 >= x2) return
  for (let y = Math.max(0, top); y < Math.min(target.height, top + image.height); y++) {
    const from = 3 * ((y - top) * image.width + x1 - left)
    target.data.set(image.data.subarray(from, from + 3 * (x2 - x1)), 3 * (y * target.width + x1))
  }
}

/** A scene upside down. */
export function flippedVertically({ image: { data, height, width }, objects }: Scene): Scene {
  const turned = new Uint8Array(data.length)
  for (let y = 0; y < height; y++) {
    turned.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * (height - 1 - y) * width)
  }
  return {
    image: { data: turned, height, width },
    objects: objects.map((object) => {
      const [x1, y1, x2, y2] = object.box
      return { ...object, box: [x1, height - y2, x2, height - y1] }
    }),
  }
}
