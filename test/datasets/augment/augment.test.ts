import fc from "fast-check"
import { expect, test } from "vitest"
import { augmentScene } from "../../../datasets/augment/augment.js"
import { drawIouCrop } from "../../../datasets/augment/cutouts.js"
import { type AugmentOptions, augmentPresets, drawPartners, isAugmenting } from "../../../datasets/augment/levels.js"
import { area, type Box, type Colour, cutOut, isCentreLeft, type Scene } from "../../../datasets/augment/scene.js"
import { resizeInto } from "../../../datasets/image/resize.js"
import { placeTruths } from "../../../datasets/loader/truths.js"
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

/** Colours that tell the objects of up to two photos apart, from each other and from any mixture with black. */
const colours: readonly (readonly Colour[])[] = [
  [
    [200, 0, 0],
    [0, 200, 0],
  ],
  [
    [0, 0, 200],
    [0, 100, 100],
  ],
]

/** Black, each object in a colour of its own. */
function coloured(
  photo: number,
  { width, height, boxes }: { width: number; height: number; boxes: readonly Box[] },
): Scene {
  const scene = paint(photo, width, height, [])
  const data = scene.image.data
  for (const [index, [x1, y1, x2, y2]] of boxes.entries()) {
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) data.set(colours[photo]![index]!, 3 * (y * width + x))
  }
  return { ...scene, objects: boxes.map((box, index) => ({ photo, index, box })) }
}

/** Every pixel of one colour, as a box, and how many there are. */
function boxOfColour({ data, width }: Scene["image"], colour: Colour): { box: Box; count: number } {
  const box: [number, number, number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0]
  let count = 0
  for (let at = 0; at < data.length; at += 3) {
    if (colour.some((value, c) => data[at + c] !== value)) continue
    const [x, y] = [(at / 3) % width, Math.floor(at / 3 / width)]
    box[0] = Math.min(box[0], x)
    box[1] = Math.min(box[1], y)
    box[2] = Math.max(box[2], x + 1)
    box[3] = Math.max(box[3], y + 1)
    count++
  }
  return { box, count }
}

test.each<[string, Partial<AugmentOptions>, number]>([
  ["scale jitter", { scale: [0.5, 4] }, 0.1],
  ["zoom-out", { zoomOut: 1 }, 1],
  ["vertical flip", { verticalFlip: 1 }, 1],
])("%s: an object is where its colour is; it goes where less than a share of it is left", (_, given, least) => {
  let gone = 0
  const law = fc.property(photo, fc.nat(), (one, seed) => {
    const made = augmentScene([coloured(0, one)], { ...none, ...given }, gray, seededRandom(seed))
    for (const [index, [x1, y1, x2, y2]] of one.boxes.entries()) {
      const seen = boxOfColour(made.image, colours[0]![index]!)
      const kept = made.objects.find((object) => object.index === index)
      const share = seen.count / ((x2 - x1) * (y2 - y1))
      expect(kept !== undefined).toBe(share >= least)
      if (kept !== undefined) expect(kept.box).toEqual(seen.box)
      else gone++
    }
  })
  fc.assert(law, { numRuns: 60, seed: 1 })
  // With a scale of 4 many objects are lost; nothing is lost elsewhere.
  expect(gone > 0).toBe(least < 1)
})

test("IoU crop: an object stays exactly where its centre does, with the box of its colour", () => {
  const law = fc.property(photo, fc.nat(), (one, seed) => {
    const scene = coloured(0, one)
    const crop = drawIouCrop(scene, seededRandom(seed))
    if (crop === undefined) return
    const made = cutOut(scene, crop, gray, isCentreLeft(crop))
    for (const [index, [x1, y1, x2, y2]] of one.boxes.entries()) {
      const [x, y] = [(x1 + x2) / 2 - crop.left, (y1 + y2) / 2 - crop.top]
      const kept = made.objects.find((object) => object.index === index)
      expect(kept !== undefined).toBe(x > 0 && y > 0 && x < crop.width && y < crop.height)
      if (kept !== undefined) expect(kept.box).toEqual(boxOfColour(made.image, colours[0]![index]!).box)
    }
  })
  fc.assert(law, { numRuns: 80, seed: 2 })
})

test("mirror image: boxes follow the pixels of their objects through the resize of training", () => {
  const law = fc.property(photo, fc.boolean(), fc.constantFrom(1, 2, 3), (one, flip, scale) => {
    const { width, height, boxes } = one
    const [wide, high] = [scale * width, scale * height]
    for (const [index, box] of boxes.entries()) {
      const { image } = paint(0, width, height, [box])
      const out = new Float32Array(3 * wide * high)
      const bytes = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const
      resizeInto(image, { out, height: high, width: wide, offset: 0, rowStride: 3 * wide, flip, ...bytes })
      const data = Uint8Array.from(out, Math.round)
      const record = {
        boxes: Float64Array.from(boxes.flat()),
        labels: Int32Array.of(1, 2),
        crowd: new Uint8Array(2),
        difficult: new Uint8Array(2),
      }
      const place = { height: high, width: wide, imageHeight: height, imageWidth: width }
      const truths = placeTruths(record, place, flip)
      const seen = whiteBox({ image: { data, height: high, width: wide }, objects: [] })!
      for (const [k, side] of truths.boxes.subarray(4 * index, 4 * index + 4).entries()) {
        expect(Math.abs(side - seen[k]!)).toBeLessThanOrEqual(1)
      }
    }
  })
  fc.assert(law, { numRuns: 40, seed: 3 })
})

test("mixup: each object's box is that of its pixels, of both photos, within a pixel", () => {
  const law = fc.property(photo, photo, fc.nat(), (one, other, seed) => {
    const shown = (from: number, index: number) =>
      [one, other].map(({ width, height, boxes }, i) => ({
        image: paint(i, width, height, boxes, from === i ? index : -1).image,
        objects: boxes.map((box, at) => ({ photo: i, index: at, box })),
      }))
    const { objects } = augmentScene(shown(0, 0), { ...none, mixUp: 1 }, black, seededRandom(seed))
    expect(objects.filter(({ photo: from }) => from === 0)).toHaveLength(2)
    for (const { photo: from, index, box } of objects) {
      const { image } = augmentScene(shown(from, index), { ...none, mixUp: 1 }, black, seededRandom(seed))
      // A share of white, 0.3 at least, over black: half of its most is its edge.
      const most = image.data.reduce((high, value) => Math.max(high, value), 0)
      const data = image.data.map((value) => (2 * value > most ? 255 : 0))
      const seen = whiteBox({ image: { ...image, data }, objects: [] })!
      for (const [k, side] of box.entries()) expect(Math.abs(side - seen[k]!)).toBeLessThanOrEqual(1)
    }
  })
  fc.assert(law, { numRuns: 40, seed: 4 })
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
