import { join } from "node:path"
import { expect, test } from "vitest"
import { classificationLoader } from "../../datasets/loader/classification-loader.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import { tarFile, tarOf } from "../support/tar-files.js"
import { png, tempFolder, writeFiles } from "./samples.js"

type Files = Readonly<Record<string, string | Uint8Array>>

/** Samples whose image is as wide as their number, of the classes 0 and 1 by turns. */
const samples = (...numbers: readonly number[]): Files =>
  Object.fromEntries(
    numbers.flatMap((n) => [
      [`${n}.png`, png(n, 2)],
      [`${n}.cls`, String(n % 2)],
    ]),
  )

function shards(files: Files): string {
  const folder = tempFolder()
  writeFiles(folder, files)
  return folder
}

const four = { "shard-000000.tar": tarOf(samples(1, 2, 3)), "shard-000001.tar": tarOf(samples(4, 5)) }

test("an image and its class are a sample by their key; shards follow each other", async () => {
  const folder = shards({ ...four, "classes.txt": "even\nodd\n" })
  for (const source of [folder, join(folder, "shard-{000000..000001}.tar"), join(folder, "shard-00000{0,1}.tar")]) {
    const set = await readLabelled(source)
    expect(set).toMatchObject({
      format: "webdataset",
      split: "all",
      classes: ["even", "odd"],
      shards: [0, 3],
      faults: [],
    })
    expect([...set.labels]).toEqual([1, 0, 1, 0, 1])
    expect(set.name(3)).toBe("shard-000001.tar/4.png")
    expect((await Promise.all([0, 4].map((n) => set.image(n)))).map(({ width }) => width)).toEqual([1, 5])
  }
  expect((await readLabelled(join(folder, "shard-000001.tar"))).labels).toHaveLength(2)
})

test("images of archives with one name in two folders have names of their own", async () => {
  const folder = shards({ "a/0.tar": tarOf(samples(1)), "b/0.tar": tarOf(samples(1)) })
  const set = await readLabelled(join(folder, "{a,b}/0.tar"))
  expect([set.name(0), set.name(1)]).toEqual(["a/0.tar/1.png", "b/0.tar/1.png"])
})

test("names of archives or folders tell the splits", async () => {
  const named = shards({
    "imagenet-train-000000.tar": tarOf(samples(1, 2)),
    "imagenet-validation-00.tar": tarOf(samples(3)),
  })
  expect(await readLabelled(named)).toMatchObject({ split: "train", labels: Int32Array.of(1, 0) })
  expect(await readLabelled(named, { split: "val", classes: ["even", "odd"] })).toMatchObject({
    split: "val",
    labels: Int32Array.of(1),
  })
  await expect(readLabelled(named, { split: "test" })).rejects.toThrow(/no split "test"\. There are: train, val$/)
  const folders = shards({
    "train/0.tar": tarOf(samples(1, 2)),
    "val/0.tar": tarOf(samples(4)),
    "classnames.txt": "a\nb\n",
  })
  expect(await readLabelled(folders, { split: "val" })).toMatchObject({ classes: ["a", "b"], labels: Int32Array.of(0) })
  const capitals = shards({ "Train/0.tar": tarOf(samples(1, 2)), "Valid/0.tar": tarOf(samples(4)) })
  expect(await readLabelled(capitals, { split: "validation" })).toMatchObject({
    split: "val",
    labels: Int32Array.of(0),
  })
})

test("a class is a number or a name, in a text or a JSON file", async () => {
  const json = (fields: object) => JSON.stringify({ caption: "a photo", ...fields })
  const numbers = {
    "a/1.jpg": png(1, 1),
    "a/1.json": json({ label: 2 }),
    "a/1.txt": "a photo",
    "b.png": png(1, 1),
    "b.cls": "0\n",
  }
  const one = await readLabelled(join(shards({ "s.tar": tarOf(numbers) }), "s.tar"))
  expect(one).toMatchObject({ classes: ["0", "1", "2"], labels: Int32Array.of(2, 0) })
  expect(one.notices).toMatchObject([/no names of classes .*: they are 0 to 2$/])
  const names = { "1.jpg": png(1, 1), "1.json": json({ class: "fox" }), "2.jpg": png(1, 1), "2.cls.txt": "dog" }
  expect(await readLabelled(shards({ "s.tar": tarOf(names) }))).toMatchObject({
    classes: ["dog", "fox"],
    labels: Int32Array.of(1, 0),
  })
  const mixed = { ...names, "3.jpg": png(1, 1), "3.cls": "3" }
  await expect(readLabelled(shards({ "s.tar": tarOf(mixed) }))).rejects.toThrow(
    "the class of 1 is a name, that of 3 a number",
  )
})

test("a missing, doubled or unreadable part of a sample is told, and links are not followed", async () => {
  const bytes = tarFile([
    { path: "1.png", content: png(1, 2) },
    { path: "1.cls", content: "1" },
    { path: "2.png", content: png(2, 2) },
    { path: "3.cls", content: "0" },
    { path: "5.png", content: png(5, 2) },
    { path: "5.json", content: '{"label": 1e9}' },
    { path: "1.png", content: png(6, 2) },
    { path: "1.cls", content: "0" },
    { path: "7.png", type: "SymbolicLink", linkpath: "/etc/passwd" },
  ])
  const { labels, faults } = await readLabelled(shards({ "s.tar": bytes }), { classes: ["a", "b"] })
  expect([...labels]).toEqual([1])
  expect(faults.map(({ kind, file }) => [kind, file])).toEqual([
    ["broken-annotation", "s.tar/2"],
    ["missing-image", "s.tar/3"],
    ["broken-annotation", "s.tar/5"],
    ["duplicate-id", "s.tar/1"],
    ["unreadable-image", "s.tar"],
  ])
})

test.each([
  ["shard-{000000..000002}.tar", /there is no file .*shard-000002\.tar$/],
  ["shard-{000001..000000}.tar", /counts up to 0 files: expected 1 to 100000/],
  ["shard-{0..999999999}.tar", /counts up to 1000000000 files/],
  ["{0..9999}{0..9999}.tar", /means 100000000 files, more than 100000/],
  ["shard-{a..b}.tar", /expected \{000000\.\.000009\} or \{train,val\}, got \{a\.\.b\}/],
  ["shard-{0{1,2}}.tar", /no braces within braces/],
])("the pattern %s that names no archives is refused", async (pattern, message) => {
  await expect(readLabelled(join(shards(four), pattern))).rejects.toThrow(message)
})

test("a number beyond the classes is refused", async () => {
  const folder = shards({ "s.tar": tarOf({ "1.png": png(1, 1), "1.cls": "7" }) })
  await expect(readLabelled(folder, { classes: ["a", "b"] })).rejects.toThrow(
    "a class has the number 7, and there are 2 classes",
  )
})

test("shards give batches that a break and the number of workers do not change", async () => {
  const set = await readLabelled(shards(four))
  const how = { batchSize: 2, size: 8, shorter: [9, 11] as const, seed: 4 }
  const epoch = async (workers: number, start: number) => {
    const loader = classificationLoader(set, { ...how, workers })
    const batches = []
    for await (const batch of loader.epoch(1, start)) batches.push({ ...batch, waitedMs: 0 })
    await loader.close()
    return batches
  }
  const here = await epoch(0, 0)
  expect(here.flatMap(({ images, labels }) => images.map((image, n) => labels[n] === set.labels[image]))).toEqual(
    Array(4).fill(true),
  )
  expect(await epoch(2, 1)).toEqual(here.slice(1))
})
