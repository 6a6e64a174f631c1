import { join } from "node:path"
import { zipSync } from "fflate"
import { expect, test, vi } from "vitest"
import { partOfSet } from "../../datasets/labelled-photos.js"
import { readLabelled } from "../../datasets/read-labelled.js"
import { DataError } from "../../src/core/errors.js"
import { checkDataset } from "../../src/tasks/check-dataset.js"
import { planClassifier } from "../../src/tasks/train-classifier.js"
import { png, tempFolder, writeFiles } from "../datasets/samples.js"
import { runCommand } from "../support/run-command.js"
import { tarOf } from "../support/tar-files.js"

/** What `classify train` says of the data before it begins. */
async function saidOf(data: string, options: object = {}): Promise<string[]> {
  const lines: string[] = []
  const brief = { model: "cifar_resnet20", size: 32, batch: 1 }
  await planClassifier({ data, ...brief, ...options }, { onLog: (line) => lines.push(line) })
  return lines
}

function filesIn(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = tempFolder()
  writeFiles(folder, files)
  return folder
}

test("nothing is held out where a validation folder has another of its usual names", async () => {
  const names = ["Train/cat/a", "Train/dog/b", "Validation/cat/c", "Validation/dog/d"]
  const data = filesIn(Object.fromEntries(names.map((name) => [`${name}.png`, png(8, 8)])))
  const told = (split: string) => `${data}: a folder of classes, split ${split}: 2 images, 2 classes`
  expect(await saidOf(data, { valSplit: "valid" })).toEqual([told("train"), told("val")])
  const splits = ["train", "val"].map((split) => ({ split, images: 2, classes: ["cat", "dog"] }))
  expect(await checkDataset({ data })).toMatchObject({ splits, faults: [] })
})

test("one class alone is told before a training, and by dataset check, which names no training then", async () => {
  const data = filesIn({ "cat/a.png": png(8, 8), "cat/b.png": png(8, 8) })
  const told = `${data}: has one class only, "cat". A classifier needs two at least: add images of another class`
  await expect(saidOf(data)).rejects.toThrow(new DataError(told))
  const { out, said, code } = await runCommand("dataset", "check", data)
  expect([out, code]).toEqual([`${told}\n`, 3])
  expect(said).not.toContain("next:")
})

test("dataset check knows zipped folders of classes", async () => {
  vi.stubEnv("XDG_CACHE_HOME", tempFolder())
  const names = ["train/cat/a", "train/dog/b", "val/dog/c"].map((name) => `pets/${name}.png`)
  const data = join(
    filesIn({ "pets.zip": zipSync(Object.fromEntries(names.map((name) => [name, png(4, 3)]))) }),
    "pets.zip",
  )
  const splits = [
    { split: "train", images: 2 },
    { split: "val", images: 1 },
  ]
  expect(await checkDataset({ data })).toMatchObject({ format: "folder", splits, faults: [] })
  vi.unstubAllEnvs()
})

test("of shards without splits a share is held out as of folders, and each shard keeps its images", async () => {
  const samples = (...numbers: readonly number[]) =>
    tarOf(
      Object.fromEntries(
        numbers.flatMap((n) => [
          [`${n}.png`, png(n, 8)],
          [`${n}.cls`, String(n % 2)],
        ]),
      ),
    )
  const data = filesIn({ "s-0.tar": samples(1, 2, 3, 4), "s-1.tar": samples(5), "s-2.tar": samples(6, 7, 8, 9, 10) })
  const told = "the data have no splits: 4 of 10 images, drawn with seed 0, are held out to validate on"
  expect(await saidOf(data, { holdOut: 0.4 })).toContainEqual(expect.stringContaining(told))
  const all = await readLabelled(data)
  if (all.format === "cifar10") expect.unreachable()
  const part = partOfSet(all, "train", [1, 2, 6, 9])
  expect([part.shards, [...part.labels], part.name(2)]).toEqual([[0, 2, 2], [0, 1, 1, 0], "s-2.tar/7.png"])
})
