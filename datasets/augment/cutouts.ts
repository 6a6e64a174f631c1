import type { Random } from "../../src/core/random.js"
import { area, type Box, type Cutout, type Scene } from "./scene.js"

type Range = readonly [low: number, high: number]

const between = ([low, high]: Range, random: Random): number => low + (high - low) * random.uniform()

/** @source torchvision v2 `RandomZoomOut`: side_range */
const zoomOutSides: Range = [1, 4]

/** A canvas up to four times as wide and high as the scene, which lies somewhere on it. @source torchvision v2 `RandomZoomOut` */
export function drawZoomOut({ image }: Scene, random: Random): Cutout {
  const ratio = between(zoomOutSides, random)
  const [width, height] = [Math.floor(image.width * ratio), Math.floor(image.height * ratio)]
  const left = -Math.floor((width - image.width) * random.uniform())
  const top = -Math.floor((height - image.height) * random.uniform())
  return { left, top, width, height }
}

/**
 * A window as large as the scene after it was scaled: a part of it that will be enlarged, or a canvas around it.
 * @param scales how much larger things become, at least and at most
 * @source torchvision v2 `ScaleJitter` with `FixedSizeCrop`, as in Ghiasi et al. 2021: the scaled image is cut or padded
 * to the usual size
 */
export function drawScale({ image }: Scene, scales: Range, random: Random): Cutout {
  const scale = between(scales, random)
  const [width, height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side / scale))) as [
    number,
    number,
  ]
  const place = (whole: number, part: number) => Math.round((whole - part) * random.uniform())
  return { left: place(image.width, width), top: place(image.height, height), width, height }
}

/** @source torchvision v2 `RandomIoUCrop`, after Liu et al. 2016 (SSD), section 2.2; 1: no crop */
const iouCrop = { overlaps: [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1], scale: [0.3, 1], aspect: [0.5, 2], trials: 40 } as const

/**
 * A window that shares at least a drawn IoU with some object, of whose objects one has its centre inside; undefined where
 * the whole scene is to stay.
 */
export function drawIouCrop({ image, objects }: Scene, random: Random): Cutout | undefined {
  if (objects.length === 0) return undefined
  for (;;) {
    const least = iouCrop.overlaps[random.integer(iouCrop.overlaps.length)]!
    if (least >= 1) return undefined
    for (let trial = 0; trial < iouCrop.trials; trial++) {
      const width = Math.floor(image.width * between(iouCrop.scale, random))
      const height = Math.floor(image.height * between(iouCrop.scale, random))
      const aspect = width / height
      if (!(aspect >= iouCrop.aspect[0] && aspect <= iouCrop.aspect[1])) continue
      const left = Math.floor((image.width - width) * random.uniform())
      const top = Math.floor((image.height - height) * random.uniform())
      const window: Box = [left, top, left + width, top + height]
      const inside = objects.filter(({ box }) => hasCentre(window, box))
      if (inside.length > 0 && Math.max(...inside.map(({ box }) => iou(box, window))) >= least) {
        return { left, top, width, height }
      }
    }
  }
}

function hasCentre([left, top, right, bottom]: Box, [x1, y1, x2, y2]: Box): boolean {
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2]
  return x > left && x < right && y > top && y < bottom
}

function iou(a: Box, b: Box): number {
  const shared = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])])
  return shared / (area(a) + area(b) - shared)
}
