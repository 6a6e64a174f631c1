import { PNG } from "pngjs"
import { expect, test } from "vitest"
import { evaluateDetector } from "../../src/tasks/evaluate-detector.js"
import { trainDetector } from "../../src/tasks/train-detector.js"
import { tempFolder, vocFile, vocObject, writeFiles } from "../datasets/samples.js"
import { plainBackbone } from "../support/own-backbones.js"

const side = 96

/** A dark picture with a bright square in it, or without one. */
function picture(square?: readonly [left: number, top: number, width: number]): Buffer {
  const image = new PNG({ width: side, height: side })
  for (let i = 0; i < side * side; i++) {
    const [x, y] = [i % side, Math.floor(i / side)]
    const [left, top, width] = square ?? [0, 0, 0]
    const isInside = x >= left && x < left + width && y >= top && y < top + width
    image.data.set([...(isInside ? [220, 220, 220] : [40, 40, 40]), 255], 4 * i)
  }
  return PNG.sync.write(image)
}

test("ImageNet's DET folder trains a detector, negatives included, and scores it by DET's rule", async () => {
  const data = tempFolder()
  const lists: Record<"train" | "val", string[]> = { train: [], val: [] }
  for (let n = 0; n < 24; n++) {
    const split = n < 16 ? "train" : "val"
    const name = split === "train" ? `ILSVRC2013_train/n01/n01_${n}` : `ILSVRC2012_val_${n}`
    const isNegative = n % 8 === 7
    const [left, top, width] = [(n * 17) % 48, (n * 29) % 48, 32 + (n % 3) * 8] as const
    writeFiles(data, { [`Data/DET/${split}/${name}.JPEG`]: picture(isNegative ? undefined : [left, top, width]) })
    lists[split].push(split === "train" ? `${name} ${isNegative ? -1 : 1}` : `${name} ${n}`)
    if (isNegative) continue
    const box = vocObject("n01", [left, top, left + width - 1, top + width - 1])
    writeFiles(data, { [`Annotations/DET/${split}/${name}.xml`]: vocFile(box, side, side) })
  }
  writeFiles(data, {
    "ImageSets/DET/train_1.txt": `${lists.train.join("\n")}\n`,
    "ImageSets/DET/val.txt": `${lists.val.join("\n")}\n`,
  })
  const told: string[] = []
  const losses: number[] = []
  const model = { size: side, backbone: plainBackbone("batch") }
  const { weights } = await trainDetector(
    { data, ...model, epochs: 5, lr: 0.02, batch: 2, valEvery: 0, logEvery: 1, workers: 0, out: `${data}/run` },
    { onLog: (line) => told.push(line), onStep: ({ losses: { loss } }) => void losses.push(loss!) },
  )
  expect(told.join("\n")).toContain("IMAGENET data, split train: 16 images, 14 objects, 1 classes")
  expect(losses).toHaveLength(40)
  const { images, truths, imagenetDet } = await evaluateDetector({
    ...{ weights: weights.last, data, backbone: model.backbone },
    metrics: ["imagenet-det"],
  })
  expect([images, truths]).toEqual([8, 7])
  expect(imagenetDet!.mAP).toBeGreaterThan(0.3)
})
