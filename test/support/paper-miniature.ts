import { PNG } from "pngjs"
import { seededRandom } from "../../src/core/random.js"
import { vocFile, vocObject, writeFiles } from "../datasets/samples.js"

// The data of docs/reproduce.md in miniature: every folder and file that its commands name, a few photos in each.

const side = 64
const wnids = ["n01440764", "n02119789"]
const vocClasses = ["dog", "person"]

/** A dark picture with a bright square in it. */
function picture([left, top, width]: readonly [number, number, number], seed: number): Buffer {
  const random = seededRandom(seed)
  const image = new PNG({ width: side, height: side })
  for (let i = 0; i < side * side; i++) {
    const [x, y] = [i % side, Math.floor(i / side)]
    const isInside = x >= left && x < left + width && y >= top && y < top + width
    const value = (isInside ? 180 : 20) + random.integer(50)
    image.data.set([value, value, value, 255], 4 * i)
  }
  return PNG.sync.write(image)
}

const squareOf = (n: number) => [(n * 17) % 24, (n * 29) % 24, 24 + (n % 3) * 8] as const
const cornersOf = (n: number) => {
  const [left, top, width] = squareOf(n)
  return [left + 1, top + 1, left + width, top + width] as const
}

/** The numbers of a split's photos, other ones for each. */
const numbers = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)

/** Writes `data/` with everything that the commands of docs/reproduce.md read. */
export function writePaperMiniature(root: string): void {
  writeVoc(root)
  writeCoco(root)
  writeImageNet(root)
  writeDetection(root)
  writeCifar(root)
}

function writeVoc(root: string): void {
  const years = { VOC2007: { trainval: numbers(1, 3), test: numbers(11, 2) }, VOC2012: { trainval: numbers(21, 3) } }
  for (const [year, splits] of Object.entries(years)) {
    const folder = `${root}/data/VOCdevkit/${year}`
    for (const [split, all] of Object.entries(splits)) {
      const ids = all.map((n) => String(n).padStart(6, "0"))
      writeFiles(folder, { [`ImageSets/Main/${split}.txt`]: `${ids.join("\n")}\n` })
      for (const [i, n] of all.entries()) {
        writeFiles(folder, {
          [`JPEGImages/${ids[i]}.jpg`]: picture(squareOf(n), n),
          [`Annotations/${ids[i]}.xml`]: vocFile(vocObject(vocClasses[n % 2]!, cornersOf(n)), side, side),
        })
      }
    }
  }
  // Of 2012 the test photos are public, their annotations not.
  const tested = numbers(31, 2)
  writeFiles(`${root}/data/VOCdevkit/VOC2012`, {
    "ImageSets/Main/test.txt": tested.map((n) => `0000${n}\n`).join(""),
    ...Object.fromEntries(tested.map((n) => [`JPEGImages/0000${n}.jpg`, picture(squareOf(n), n)])),
  })
}

function writeCoco(root: string): void {
  const folder = `${root}/data/coco`
  // Two of VOC's classes by COCO's names.
  const categories = [
    { id: 1, name: "person" },
    { id: 18, name: "dog" },
  ]
  const describe = (split: string, all: readonly number[]) =>
    all.map((n) => ({
      id: n,
      file_name: `COCO_${split}_${String(n).padStart(12, "0")}.jpg`,
      width: side,
      height: side,
    }))
  for (const [split, all] of [
    ["train2014", numbers(1, 4)],
    ["val2014", numbers(11, 2)],
  ] as const) {
    const images = describe(split, all)
    const annotations = all.map((n) => {
      const [left, top, width] = squareOf(n)
      const bbox = [left, top, width, width]
      return { id: n, image_id: n, category_id: categories[n % 2]!.id, bbox, area: width * width, iscrowd: 0 }
    })
    writeFiles(folder, {
      [`annotations/instances_${split}.json`]: JSON.stringify({ images, annotations, categories }),
      ...Object.fromEntries(images.map(({ id, file_name }) => [`${split}/${file_name}`, picture(squareOf(id), id)])),
    })
  }
  const images = describe("test2017", numbers(21, 2))
  writeFiles(folder, {
    "annotations/image_info_test-dev2017.json": JSON.stringify({ images, categories }),
    ...Object.fromEntries(images.map(({ id, file_name }) => [`test2017/${file_name}`, picture(squareOf(id), id)])),
  })
}

/** Classification, and localization of the same classes. */
function writeImageNet(root: string): void {
  for (const [k, wnid] of wnids.entries()) {
    for (const [split, all] of [
      ["train", numbers(10 * k + 1, 2)],
      ["val", numbers(10 * k + 5, 1)],
    ] as const) {
      for (const n of all) {
        const name = split === "train" ? `${wnid}/${wnid}_${n}` : `ILSVRC2012_val_${String(n).padStart(8, "0")}`
        const bytes = picture(squareOf(n), n)
        writeFiles(`${root}/data`, {
          [`imagenet/${split}/${wnid}/${n}.JPEG`]: bytes,
          [`ILSVRC/Data/CLS-LOC/${split}/${name}.JPEG`]: bytes,
          [`ILSVRC/Annotations/CLS-LOC/${split}/${name}.xml`]: vocFile(vocObject(wnid, cornersOf(n)), side, side),
        })
      }
    }
  }
}

function writeDetection(root: string): void {
  const folder = `${root}/data/ILSVRC`
  const lists = { train_1: numbers(1, 2), val1: numbers(11, 2), val2: numbers(21, 2) }
  for (const [list, all] of Object.entries(lists)) {
    const split = list.startsWith("train") ? "train" : "val"
    const names = all.map((n) => (split === "train" ? `ILSVRC2013_train/n01/n01_${n}` : `ILSVRC2012_val_${n}`))
    writeFiles(folder, { [`ImageSets/DET/${list}.txt`]: names.map((name) => `${name} 1\n`).join("") })
    for (const [i, n] of all.entries()) {
      writeFiles(folder, {
        [`Data/DET/${split}/${names[i]}.JPEG`]: picture(squareOf(n), n),
        [`Annotations/DET/${split}/${names[i]}.xml`]: vocFile(vocObject(wnids[n % 2]!, cornersOf(n)), side, side),
      })
    }
  }
}

/** As many pictures as one batch of the paper has. */
function writeCifar(root: string): void {
  const random = seededRandom(1)
  const records = (count: number) =>
    Buffer.concat(
      Array.from({ length: count }, (_, n) =>
        Buffer.from([n % 10, ...Array.from({ length: 3072 }, () => 20 * (n % 10) + random.integer(40))]),
      ),
    )
  writeFiles(`${root}/data/cifar10`, {
    "data_batch_1.bin": records(128),
    "test_batch.bin": records(20),
    "batches.meta.txt": "plane car bird cat deer dog frog horse ship truck".replaceAll(" ", "\n"),
  })
}
