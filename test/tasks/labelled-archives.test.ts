import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, test } from "vitest"
import { seededRandom } from "../../src/core/random.js"
import { startEngine } from "../../src/engine/start.js"
import { checkDataset } from "../../src/tasks/check-dataset.js"
import { evaluateClassifier } from "../../src/tasks/evaluate-classifier.js"
import { resumeClassifier, trainClassifier } from "../../src/tasks/train-classifier.js"
import { png, tempFolder, tiledPng, writeFiles } from "../datasets/samples.js"
import { runCommand } from "../support/run-command.js"
import { tarOf } from "../support/tar-files.js"

beforeAll(() => startEngine())

const wnids = ["n01440764", "n02100735", "n02119789"]
const golden = JSON.parse(readFileSync("test/golden/devkit.json", "utf8")) as { readonly compressed: string }
/** The kit's numbers of the sorted classes. */
const kitNumbers = [3, 2, 1]
const photo = (n: number) => tiledPng(36 + n, 40, seededRandom(n))

/** Six training and three validation photos as folders, as ImageNet's archives, and as shards. */
function sets() {
  const root = tempFolder()
  const training = Array.from({ length: 6 }, (_, n) => ({ wnid: wnids[n % 3]!, label: n % 3, bytes: photo(n) }))
  const validation = Array.from({ length: 3 }, (_, n) => ({ wnid: wnids[n]!, label: n, bytes: photo(10 + n) }))
  const inner = (wnid: string) => {
    const own = training.filter((one) => one.wnid === wnid)
    return tarOf(Object.fromEntries(own.map(({ bytes }, i) => [`${wnid}_${i}.JPEG`, bytes])))
  }
  const number = (n: number) => `ILSVRC2012_val_0000000${n + 1}.JPEG`
  writeFiles(join(root, "folders"), {
    ...Object.fromEntries(
      training.map(({ wnid, bytes }, n) => [`train/${wnid}/${wnid}_${Math.floor(n / 3)}.JPEG`, bytes]),
    ),
    ...Object.fromEntries(validation.map(({ wnid, bytes }, n) => [`val/${wnid}/${number(n)}`, bytes])),
  })
  writeFiles(join(root, "archives"), {
    "ILSVRC2012_img_train.tar": tarOf(Object.fromEntries(wnids.map((wnid) => [`${wnid}.tar`, inner(wnid)]))),
    "ILSVRC2012_img_val.tar": tarOf(Object.fromEntries(validation.map(({ bytes }, n) => [number(n), bytes]))),
    "devkit/data/ILSVRC2012_validation_ground_truth.txt": kitNumbers.join("\n"),
    "devkit/data/meta.mat": Buffer.from(golden.compressed, "base64"),
  })
  const shard = (some: typeof training) =>
    tarOf(
      Object.fromEntries(
        some.flatMap(({ bytes, label }, n) => [
          [`${n}.png`, bytes],
          [`${n}.cls`, String(label)],
        ]),
      ),
    )
  writeFiles(join(root, "shards"), {
    "train-000000.tar": shard(training.slice(0, 4)),
    "train-000001.tar": shard(training.slice(4)),
    "val-000000.tar": shard(validation),
    "classes.txt": wnids.join("\n"),
  })
  return root
}

const how = {
  model: "cifar_resnet20",
  size: 32,
  shorter: [32, 40],
  batch: 2,
  epochs: 2,
  seed: 3,
  lr: 0.01,
  workers: 0,
  statisticsImages: 4,
  logEvery: 1,
}
const train = (data: string, out: string, signal?: AbortSignal) =>
  trainClassifier({ ...how, shorter: [32, 40], data, out }, signal && { signal })
const weightsOf = (run: string) => join(run, "weights", "last.safetensors")
const digest = (run: string) =>
  createHash("sha256")
    .update(readFileSync(weightsOf(run)))
    .digest("hex")

test("ImageNet's archives train and score as the folders do, and shards are scored alike", async () => {
  const root = sets()
  const [folders, archives, shards] = ["folders", "archives", "shards"].map((name) => join(root, name))
  await train(folders!, join(root, "run-folders"))
  await train(archives!, join(root, "run-archives"))
  expect(digest(join(root, "run-archives"))).toBe(digest(join(root, "run-folders")))
  const weights = weightsOf(join(root, "run-folders"))
  const [first, ...others] = await Promise.all(
    [folders, archives, shards].map((data) => evaluateClassifier({ weights, data: data! })),
  )
  expect(first).toMatchObject({ images: 3, failed: [] })
  for (const other of others) expect(other).toEqual(first)
})

test("a run on shards that was stopped ends with the bytes of one that was not", async () => {
  const root = sets()
  const shards = join(root, "shards")
  await train(shards, join(root, "whole"))
  const stop = new AbortController()
  const seen: number[] = []
  await trainClassifier(
    { ...how, shorter: [32, 40], data: shards, out: join(root, "parts") },
    {
      signal: stop.signal,
      onStep: ({ step }) => {
        seen.push(step)
        if (step === 2) stop.abort()
      },
    },
  )
  expect(Math.max(...seen)).toBe(2)
  await resumeClassifier(join(root, "parts"))
  expect(digest(join(root, "parts"))).toBe(digest(join(root, "whole")))
})

test("dataset check looks into each image of a classification set, in folders and in archives", async () => {
  const root = sets()
  for (const [name, format] of [
    ["folders", "folder"],
    ["archives", "ilsvrc"],
    ["shards", "webdataset"],
  ] as const) {
    expect(await checkDataset({ data: join(root, name) })).toMatchObject({
      format,
      splits: [
        { split: "train", images: 6, classes: wnids },
        { split: "val", images: 3, classes: wnids },
      ],
      faults: [],
    })
  }
  const bad = join(root, "bad")
  writeFiles(bad, {
    "s.tar": tarOf({ "1.png": png(3, 3), "1.cls": "0", "2.png": "no image", "2.cls": "0", "3.png": png(1, 1) }),
  })
  const { said, out, code } = await runCommand("dataset", "check", join(bad, "s.tar"))
  expect(out).toContain("all: s.tar/3: broken-annotation: no class: expected 3.cls or 3.json\n")
  expect(out).toContain("all: s.tar/2.png: unreadable-image: it is no image: expected JPEG")
  expect(said).toMatch(/s\.tar: faults found: 2\n$/)
  expect(code).toBe(3)
  await expect(checkDataset({ data: bad, fix: join(root, "fixed") })).rejects.toThrow(
    /--fix and --suspects are for sets with boxes/,
  )
})
