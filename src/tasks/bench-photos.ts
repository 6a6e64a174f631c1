import { writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Dataset, ImageRecord } from "../../datasets/dataset.js"
import { encodeImage } from "../../datasets/image/encode.js"
import { seededRandom } from "../core/random.js"

/** As COCO's. */
const photoClasses = 80
const [WIDTH, HEIGHT] = [640, 480]
const OBJECTS = 7

/** JPEG files of 640x480, smooth with some noise as photos are, with seven made-up objects each: always the same. */
export async function makePhotos(folder: string, count: number): Promise<Dataset> {
  const images = await Promise.all(Array.from({ length: count }, (_, n) => makePhoto(folder, n)))
  const ids = Array.from({ length: photoClasses }, (_, k) => k + 1)
  const classes = ids.map((id) => `class ${id}`)
  return { format: "coco", source: folder, split: "train", classes, categoryIds: ids, images, faults: [] }
}

async function makePhoto(folder: string, n: number): Promise<ImageRecord> {
  const random = seededRandom(n + 1)
  const waves = Array.from({ length: 12 }, () => [random.uniform() / 20, random.uniform() / 20, 6 * random.uniform()])
  const pixels = new Uint8Array(3 * WIDTH * HEIGHT)
  for (let at = 0, y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      for (let channel = 0; channel < 3; channel++, at++) {
        const [across, down, from] = waves[4 * channel + (((x >> 6) + (y >> 6)) & 3)]!
        pixels[at] = 128 + 80 * Math.sin(across! * x + down! * y + from!) + 24 * (random.uniform() - 0.5)
      }
    }
  }
  const file = join(folder, `${n}.jpg`)
  writeFileSync(file, await encodeImage({ data: pixels, width: WIDTH, height: HEIGHT }))
  const boxes = Float64Array.from(
    Array.from({ length: OBJECTS }).flatMap(() => {
      const [width, height] = [30 + random.integer(200), 30 + random.integer(200)]
      const [left, top] = [random.integer(WIDTH - width), random.integer(HEIGHT - height)]
      return [left, top, left + width, top + height]
    }),
  )
  return {
    id: String(n),
    imageId: n + 1,
    file,
    width: WIDTH,
    height: HEIGHT,
    boxes,
    labels: Int32Array.from({ length: OBJECTS }, () => 1 + random.integer(photoClasses)),
    crowd: new Uint8Array(OBJECTS),
    difficult: new Uint8Array(OBJECTS),
    areas: new Float64Array(OBJECTS),
  }
}
