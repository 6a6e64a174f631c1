import fc from "fast-check"
import { expect, test } from "vitest"
import { augmentScene } from "../../../datasets/augment/augment.js"
import { drawIouCrop } from "../../../datasets/augment/cutouts.js"
import { type AugmentOptions, augmentPresets, drawPartners, isAugmenting } from "../../../datasets/augment/levels.js"
import { area, type Box, type Colour, cutOut, type Scene } from "../../../datasets/augment/scene.js"
import { mixSeeds, seededRandom } from "../../../src/core/random.js"

const gray: Colour = [124, 116, 104]
const { none, light, strong } = augmentPresets

const black: Colour = [0, 0, 0]
const randomOf = (seed: number) => seededRandom(mixSeeds(seed, 7))

/** A black photo in which some of the objects, or all, are white. */
function paint(photo: number, width: number, height: number, boxes: readonly Box[], only?: number): Scene {
  const data = new Uint8Array(3 * width * height)
  for (const [index, [x1, y1, x2, y2]] of boxes.entries()) {
    if (only !== undefined && only !== index) continue
    for (let y = y1; y < y2; y++) data.fill(255, 3 * (y * width + x1), 3 * (y * width + x2))
  }
  return { image: { data, height, width }, objects: boxes.map((box, index) => ({ photo, index, box })) }
}

/** What is rather white than black, as a box. */
function whiteBox({ image: { data, width, height } }: Scene): Box | undefined {
  const box = [width, height, 0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[3 * (y * width + x)]! < 128) continue
      box[0] = Math.min(box[0]!, x)
      box[1] = Math.min(box[1]!, y)
      box[2] = Math.max(box[2]!, x + 1)
      box[3] = Math.max(box[3]!, y + 1)
    }
  }
  return box[2] === 0 ? undefined : (box as unknown as Box)
}

/** Photos with two objects that lie beside each other. */
const photo = fc
  .record({ width: fc.integer({ min: 24, max: 60 }), height: fc.integer({ min: 24, max: 60 }) })
  .chain(({ width, height }) => {
    const half = Math.floor(width / 2)
    const box = (from: number, to: number) =>
      fc
        .tuple(fc.integer({ min: from, max: to - 6 }), fc.integer({ min: 0, max: height - 6 }))
        .chain(([x1, y1]) =>
          fc
            .tuple(fc.integer({ min: x1 + 5, max: to }), fc.integer({ min: y1 + 5, max: height }))
            .map(([x2, y2]): Box => [x1, y1, x2, y2]),
        )
    return fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      boxes: fc.tuple(box(0, half), box(half, width)),
    })
  })

const geometric: Readonly<Record<string, Partial<AugmentOptions>>> = {
  "vertical flip": { verticalFlip: 1 },
  "zoom-out": { zoomOut: 1 },
  "IoU crop": { iouCrop: 1 },
  "scale jitter": { scale: [0.5, 2] },
  mosaic: { mosaic: 1 },
  "all of them": { ...strong, colour: 0, mosaic: 1, verticalFlip: 0.5 },
}

test.each(Object.entries(geometric))("%s: boxes follow the pixels of their objects", (_, given) => {
  const options = { ...none, ...given }
  const law = fc.property(fc.array(photo, { minLength: 4, maxLength: 4 }), fc.nat(), (photos, seed) => {
    const count = 1 + drawPartners(options, randomOf(seed))
    const made = (shown?: { photo: number; index: number }) => {
      const scenes = photos.slice(0, count).map(({ width, height, boxes }, i) => {
        return paint(i, width, height, shown === undefined || shown.photo === i ? boxes : [], shown?.index)
      })
      const whole = photos.slice(0, count).map(({ width, height, boxes }, i) => paint(i, width, height, boxes))
      const painted = scenes.map(({ image }, i) => ({ image, objects: whole[i]!.objects }))
      return augmentScene(painted, options, black, seededRandom(seed))
    }
    const { image, objects } = made()
    expect(image.data).toHaveLength(3 * image.height * image.width)
    // A partner is scaled to the first one's size: its edges lie within a pixel.
    const slack = count > 1 ? 1 : 0
    for (const { photo: from, index, box } of objects) {
      expect(box[0] >= 0 && box[1] >= 0 && box[2] <= image.width && box[3] <= image.height).toBe(true)
      const pixels = whiteBox(made({ photo: from, index }))
      if (pixels === undefined) expect(Math.min(box[2] - box[0], box[3] - box[1])).toBeLessThanOrEqual(slack)
      else for (const [k, side] of box.entries()) expect(Math.abs(side - pixels[k]!)).toBeLessThanOrEqual(slack)
    }
  })
  fc.assert(law, { numRuns: 40 })
})

test("what happens is decided by the seed alone, and colours move no box", () => {
  const scene = paint(0, 40, 30, [[2, 3, 20, 25]])
  const twice = [1, 1, 2].map((seed) => augmentScene([scene], strong, gray, randomOf(seed)))
  expect(twice[1]).toEqual(twice[0])
  expect(twice[2]).not.toEqual(twice[0])
  const coloured = augmentScene([scene], { ...none, colour: 1 }, gray, seededRandom(3))
  expect(coloured.objects).toEqual(scene.objects)
  expect(coloured.image.data).not.toEqual(scene.image.data)
  expect(augmentScene([scene], none, gray, seededRandom(4))).toEqual(scene)
})

test("mixed images have the objects of both and pixels between theirs", () => {
  const [first, second] = [paint(0, 40, 30, [[2, 3, 20, 25]]), paint(1, 40, 30, [[15, 10, 40, 30]])]
  const mixed = augmentScene([first, second], { ...none, mixUp: 1 }, gray, seededRandom(5))
  expect(mixed.objects).toEqual([...first.objects, ...second.objects])
  for (const [at, value] of mixed.image.data.entries()) {
    const [low, high] = [first.image.data[at]!, second.image.data[at]!].sort((a, b) => a - b)
    expect(value >= low! && value <= high!).toBe(true)
  }
  const at = 3 * (5 * 40 + 5)
  // Beta(32, 32) is a half, give or take a sixteenth.
  expect(Math.abs(mixed.image.data[at]! / first.image.data[at]! - 0.5)).toBeLessThan(0.25)
})

test("a crop keeps an object that overlaps as asked; objects whose centre is outside are gone", () => {
  const scene = paint(0, 60, 60, [
    [0, 0, 20, 20],
    [30, 30, 60, 60],
  ])
  const crops = Array.from({ length: 200 }, (_, seed) => drawIouCrop(scene, randomOf(seed)))
  const made = crops.filter((crop) => crop !== undefined)
  expect(made.length).toBeGreaterThan(100)
  expect(made.length).toBeLessThan(200)
  for (const { left, top, width, height } of made) {
    expect(left >= 0 && top >= 0 && left + width <= 60 && top + height <= 60).toBe(true)
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(Math.floor(0.3 * 60))
    expect(width / height).toBeGreaterThanOrEqual(0.5)
    expect(width / height).toBeLessThanOrEqual(2)
    const centres = [10, 45].map((c) => c > left && c < left + width && c > top && c < top + height)
    expect(centres).toContain(true)
  }
  expect(drawIouCrop({ ...scene, objects: [] }, seededRandom(1))).toBeUndefined()
  const part = cutOut(scene, { left: 40, top: -10, width: 40, height: 60 }, gray, () => true)
  expect(part.objects).toEqual([{ photo: 0, index: 1, box: [0, 40, 20, 60] }])
  expect([...part.image.data.subarray(0, 3)]).toEqual(gray)
  expect(area([3, 0, 1, 5])).toBe(0)
})

test("levels grow, and partners come as often as their chances say", () => {
  expect([none, light, strong].map(isAugmenting)).toEqual([false, true, true])
  const counts = Array.from({ length: 1000 }, (_, seed) => drawPartners(strong, randomOf(seed)))
  expect(counts.filter((count) => count === 3).length / 1000).toBeCloseTo(0.5, 1)
  expect(counts.filter((count) => count === 1).length / 1000).toBeCloseTo(0.15, 1)
})
