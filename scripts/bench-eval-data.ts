import { closeSync, openSync, writeSync } from "node:fs"
import { type Random, seededRandom } from "../src/core/random.js"

/** COCO val2017 in numbers. */
export const cocoSize = { images: 5_000, truths: 36_000, detections: 450_000, categories: 80, seed: 20_170_000 }

/** Writes an annotation file and a results file of the size asked for; the same seed gives the same bytes. */
export function writeBenchData(truthFile: string, resultFile: string, size: typeof cocoSize): void {
  const random = seededRandom(size.seed)
  const truths = new JsonListFile(truthFile)
  const ids = Array.from({ length: size.images }, (_, i) => 100 + 7 * i)
  // COCO's ids have gaps: 1..90 for 80 categories.
  const categories = Array.from({ length: size.categories }, (_, k) => 1 + k + Math.floor(k / 8))
  const boxes: { image: number; category: number; box: number[] }[] = []
  truths.raw('{"images":[')
  truths.list(size.images, (i) => ({ id: ids[i], file_name: `${ids[i]}.jpg`, width: 640, height: 480 }))
  truths.raw('],"categories":[')
  truths.list(size.categories, (k) => ({ id: categories[k], name: `class ${k}` }))
  truths.raw('],"annotations":[')
  truths.list(size.truths, (g) => {
    const box = randomBox(random)
    const image = ids[random.integer(size.images)]!
    // A third of COCO's truths are persons.
    const category = categories[random.uniform() < 0.3 ? 0 : random.integer(size.categories)]!
    boxes.push({ image, category, box })
    const [x, y, w, h] = box as [number, number, number, number]
    const segmentation = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    const area = round(w * h * (0.5 + random.uniform() / 2), 4)
    const iscrowd = random.uniform() < 0.01 ? 1 : 0
    return { segmentation, area, iscrowd, image_id: image, bbox: box, category_id: category, id: g + 1 }
  })
  truths.raw("]}")
  truths.close()
  writeResults(resultFile, size.detections, ids, categories, boxes, random)
}

function writeResults(
  file: string,
  count: number,
  ids: readonly number[],
  categories: readonly number[],
  truths: readonly { image: number; category: number; box: number[] }[],
  random: Random,
): void {
  const results = new JsonListFile(file)
  results.raw("[")
  results.list(count, () => {
    const near = truths[random.integer(truths.length)]!
    const hit = random.uniform() < 0.5
    const exact = hit
      ? near.box.map((v, i) => (i < 2 ? v + 4 * random.normal() : Math.max(1, v * (1 + 0.1 * random.normal()))))
      : randomBox(random)
    // Detectors compute in 32 bits; as doubles such numbers have up to 17 digits.
    const bbox = exact.map(Math.fround)
    const category = hit && random.uniform() < 0.9 ? near.category : categories[random.integer(categories.length)]
    const score = random.uniform() ** (hit ? 1 : 4)
    return {
      image_id: hit ? near.image : ids[random.integer(ids.length)],
      category_id: category,
      bbox,
      score: Math.fround(score),
    }
  })
  results.raw("]")
  results.close()
}

function randomBox(random: Random): number[] {
  const width = 4 + 300 * random.uniform() ** 2
  const height = 4 + 300 * random.uniform() ** 2
  return [(640 - width) * random.uniform(), (480 - height) * random.uniform(), width, height].map((v) => round(v, 2))
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}

class JsonListFile {
  readonly #file: number
  #held: string[] = []

  constructor(path: string) {
    this.#file = openSync(path, "w")
  }

  raw(text: string): void {
    this.#held.push(text)
  }

  list(count: number, make: (index: number) => unknown): void {
    for (let i = 0; i < count; i++) {
      this.#held.push(i === 0 ? "" : ",", JSON.stringify(make(i)))
      if (this.#held.length > 10_000) this.#flush()
    }
  }

  close(): void {
    this.#flush()
    closeSync(this.#file)
  }

  #flush(): void {
    writeSync(this.#file, this.#held.join(""))
    this.#held = []
  }
}
