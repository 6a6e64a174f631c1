import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { expect, test } from "vitest"
import type { Dataset } from "../../datasets/dataset.js"
import { datasetFromSamples } from "../../datasets/dataset-from-samples.js"
import { readDataset } from "../../datasets/read.js"
import { type WriteFormat, writeDataset } from "../../datasets/write.js"
import { png, tempFolder, writeFiles } from "./samples.js"

const formats = ["voc", "coco", "yolo", "labelme", "csv"] as const satisfies readonly WriteFormat[]
const pairs = formats.flatMap((first) => formats.map((second) => [first, second] as const))
const [WIDTH, HEIGHT] = [40, 30]
const picture = png(WIDTH, HEIGHT)

/** Names that readers are tempted to cut, sort or decode. */
const names = fc.constantFrom(
  ..."a|a 1|a 0|a -1|.b|c.|d.png|e%20f|g&h|ü|1|00|x..y|it's|it's'|semi;colon|#hash|a,b".split("|"),
  " lead",
  '"q"',
)
const classNames = fc.constantFrom(..."0|007|1.0|no|null|~|dog|a: b|a, b|#x|<&>|Ä|'q'|true|1e3".split("|"))

/** Pixels and halves, from one pixel on. */
const sides = (most: number) =>
  fc.tuple(fc.integer({ min: 0, max: 2 * most - 2 }), fc.integer({ min: 2, max: 2 * most })).map(([start, length]) => {
    return [start / 2, Math.min(most, (start + length) / 2)] as const
  })
const objects = fc.record({
  x: sides(WIDTH),
  y: sides(HEIGHT),
  name: fc.nat(2),
  kind: fc.constantFrom("plain", "plain", "plain", "crowd", "difficult"),
})
const sets = fc.record({
  classes: fc.uniqueArray(classNames, { minLength: 3, maxLength: 3 }),
  train: fc.uniqueArray(fc.record({ id: names, objects: fc.array(objects, { maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 3,
    selector: ({ id }) => id,
  }),
  val: fc.uniqueArray(fc.record({ id: names, objects: fc.array(objects, { maxLength: 3 }) }), {
    maxLength: 2,
    selector: ({ id }) => id,
  }),
})

type Made = typeof sets extends fc.Arbitrary<infer Value> ? Value : never

async function datasetsOf({ classes, ...splits }: Made): Promise<Dataset[]> {
  return Promise.all(
    (["train", "val"] as const)
      .filter((split) => splits[split].length > 0)
      .map(async (split) => {
        const images = splits[split]
        const set = await datasetFromSamples(
          images.map(({ id, objects: own }) => ({
            ...{ id, image: picture },
            boxes: own.map(({ x, y }) => [x[0], y[0], x[1], y[1]]),
            labels: own.map(({ name }) => classes[name]!),
          })),
          { classes, split, source: split },
        )
        const flags = (kind: string, i: number) =>
          Uint8Array.from(images[i]!.objects, (one) => (one.kind === kind ? 1 : 0))
        return {
          ...set,
          images: set.images.map((image, i) => ({
            ...image,
            crowd: flags("crowd", i),
            difficult: flags("difficult", i),
          })),
        }
      }),
  )
}

/** What must not change: boxes with their classes, image by image, in any order of these. */
const content = ({ images, classes }: Dataset) =>
  images
    .map(({ boxes, labels, crowd, difficult }) =>
      Array.from(labels, (label, i) => {
        const corners = [...boxes.subarray(4 * i, 4 * i + 4)].map((value) => Number(value.toFixed(3)))
        return `${classes[label - 1]} ${corners.join(" ")} ${crowd[i]} ${difficult[i]}`
      }).join("; "),
    )
    .sort()

const says: Readonly<Record<WriteFormat, { crowd: boolean; difficult: boolean }>> = {
  voc: { crowd: false, difficult: true },
  coco: { crowd: true, difficult: true },
  yolo: { crowd: false, difficult: false },
  labelme: { crowd: false, difficult: true },
  csv: { crowd: false, difficult: false },
}

/** A set as a format can say it: what it cannot tell from ordinary objects is gone. */
function sayable(set: Dataset, format: WriteFormat): Dataset {
  const images = set.images.map((image) => {
    const kept = [...image.labels.keys()].filter(
      (i) => (says[format].crowd || !image.crowd[i]) && (says[format].difficult || !image.difficult[i]),
    )
    const boxes = kept.flatMap((i) => [...image.boxes.subarray(4 * i, 4 * i + 4)])
    return {
      ...image,
      boxes: Float64Array.from(boxes),
      labels: Int32Array.from(kept, (i) => image.labels[i]!),
      crowd: Uint8Array.from(kept, (i) => image.crowd[i]!),
      difficult: Uint8Array.from(kept, (i) => image.difficult[i]!),
    }
  })
  return { ...set, images }
}

test.each(pairs)("what is written as %s, and that as %s, is read back whole", async (first, second) => {
  await fc.assert(
    fc.asyncProperty(sets, async (made) => {
      const folder = mkdtempSync(join(tmpdir(), "resdet-trip-"))
      try {
        let now = await datasetsOf(made)
        for (const [step, format] of [first, second].entries()) {
          const out = join(folder, `${step}`)
          const expected = now.map((set) => content(sayable(set, format)))
          await writeDataset(now, format, out)
          const back: Dataset[] = []
          for (const { split, classes } of now)
            back.push(await readDataset(out, { split, classes, corners: "one-based" }))
          expect(back.map(({ format: read }) => read)).toEqual(back.map(() => format))
          expect(back.map(content)).toEqual(expected)
          expect(back.flatMap(({ faults }) => faults)).toEqual([])
          now = back
        }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    }),
    { numRuns: 4 },
  )
})

test("what a format cannot say is left out and counted, never made ordinary", async () => {
  const folder = tempFolder()
  const [set] = await datasetsOf({
    classes: ["a", "b", "c"],
    train: [
      {
        id: "a",
        objects: [
          { x: [0, 9], y: [0, 9], name: 0, kind: "crowd" },
          { x: [0, 9], y: [0, 9], name: 1, kind: "difficult" },
        ],
      },
    ],
    val: [],
  })
  const { notices } = await writeDataset([set!], "yolo", join(folder, "yolo"))
  expect(notices).toEqual([
    "train: 1 crowd regions are left out: the format has no place for them",
    "train: 1 difficult objects are left out: the format has no place for them",
  ])
  expect((await readDataset(join(folder, "yolo"))).images[0]!.labels.length).toBe(0)
})

test("images of one name get names of their own, whatever their folders, endings and case", async () => {
  const folder = tempFolder()
  const files = ["x/a.png", "x_a.png", "A.png", "a.PNG"]
  writeFiles(folder, {
    ...Object.fromEntries(files.map((file) => [`train/${file}`, picture])),
    "annotations/instances_train.json": JSON.stringify({
      images: files.map((file_name, i) => ({ id: i + 1, file_name, width: WIDTH, height: HEIGHT })),
      annotations: files.map((_, i) => ({ id: i + 1, image_id: i + 1, category_id: 1, bbox: [i, 0, 5, 5] })),
      categories: [{ id: 1, name: "dog" }],
    }),
  })
  const set = await readDataset(folder)
  for (const format of formats) {
    const { notices } = await writeDataset([set], format, join(folder, format))
    expect(notices.join()).toContain("2 images got a name of their own")
    expect(content(await readDataset(join(folder, format)))).toEqual(content(set))
  }
})

test("equal names in two splits stay two images, and one file in two splits one", async () => {
  const folder = tempFolder()
  const yaml = "train: [images/train, images/both]\nval: [images/val, images/both]\nnames: [dog]\n"
  const images = ["train/a", "val/a", "both/b"].map((name, i) => [`images/${name}.png`, png(WIDTH, HEIGHT, [i, i, i])])
  const labels = ["train/a", "val/a", "both/b"].map((name, i) => [`labels/${name}.txt`, `0 0.${i + 3} 0.5 0.2 0.2\n`])
  writeFiles(folder, { "data.yaml": yaml, ...Object.fromEntries([...images, ...labels]) })
  const now = [await readDataset(folder), await readDataset(folder, { split: "val" })]
  await writeDataset(now, "voc", join(folder, "voc"))
  expect(readdirSync(join(folder, "voc", "JPEGImages")).length).toBe(3)
  for (const set of now)
    expect(content(await readDataset(join(folder, "voc"), { split: set.split }))).toEqual(content(set))
})

test("where writing fails nothing half-written stays", async () => {
  const folder = tempFolder()
  const set = await datasetFromSamples([{ image: picture, boxes: [[0, 0, 9, 9]], labels: ["dog "] }], {
    classes: ["dog", "dog "],
  })
  await expect(writeDataset([set], "voc", join(folder, "voc"))).rejects.toThrow('as "dog " does: rename one')
  expect(existsSync(join(folder, "voc"))).toBe(false)
  expect(readdirSync(folder)).toEqual([])
})
