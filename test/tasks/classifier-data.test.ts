import { expect, test } from "vitest"
import { checkDataset } from "../../src/tasks/check-dataset.js"
import { planClassifier } from "../../src/tasks/train-classifier.js"
import { png, tempFolder, writeFiles } from "../datasets/samples.js"

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
