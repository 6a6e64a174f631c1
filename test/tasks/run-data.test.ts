import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { readDataset } from "../../datasets/read.js"
import { evaluateDetector } from "../../src/tasks/evaluate-detector.js"
import { dataToScore, scoredImages } from "../../src/tasks/run-data.js"
import { resumeDetector, trainDetector } from "../../src/tasks/train-detector.js"
import { png, tempFolder, vocFile, vocObject, writeFiles } from "../datasets/samples.js"
import { slowTest } from "../support/slow-test.js"

/** A run's folder with nothing in it but what it says of its data. */
function madeUpRun(config: object, heldOut?: readonly string[]): string {
  const run = tempFolder()
  const data = { images: 8, classes: ["dog"], ...(heldOut && { heldOut }) }
  mkdirSync(join(run, "weights"))
  for (const name of ["weights/best.safetensors", "r.onnx"]) writeFileSync(join(run, name), "")
  writeFileSync(join(run, "config.json"), JSON.stringify({ config, model: {}, data }))
  return run
}

/** A VOC folder of five images without lists. */
function undivided(): string {
  const folder = tempFolder()
  const names = [0, 1, 2, 3, 4]
  writeFiles(folder, {
    ...Object.fromEntries(names.map((name) => [`JPEGImages/${name}.png`, png(64, 48)])),
    ...Object.fromEntries(names.map((name) => [`Annotations/${name}.xml`, vocFile(vocObject("dog", [9, 9, 40, 40]))])),
  })
  return folder
}

function listening() {
  const lines: string[] = []
  return { lines, log: (line: string) => void lines.push(line) }
}

test("without data those of the run are scored, read as in training but for what is asked for", () => {
  const data = undivided()
  const run = madeUpRun({ data, valSplit: "test", images: "photos", corners: "zero-based", singleClass: true })
  const { lines, log } = listening()
  const usual = { corners: "auto", sizeMismatch: "keep", followLinks: false, singleClass: false } as const
  const own = { corners: "zero-based", sizeMismatch: "keep", followLinks: false, singleClass: true, images: "photos" }
  for (const weights of [run, join(run, "weights"), join(run, "weights", "best.safetensors"), join(run, "r.onnx")]) {
    expect(dataToScore({ weights, ...usual }, { log })).toMatchObject({ data, split: "test", how: own, isOwn: true })
  }
  expect(lines[0]).toBe(`data: ${data}, split test, as ${run} has it; --data names others`)
  const asked = { split: "train", images: "elsewhere", sizeMismatch: "scale" } as const
  expect(dataToScore({ weights: run, ...usual, ...asked }, { log })).toMatchObject({
    ...{ data, split: "train", isOwn: false },
    how: { ...own, images: "elsewhere", sizeMismatch: "scale" },
  })
  expect(dataToScore({ weights: run, ...usual, data: "other" }, { log })).toMatchObject({
    ...{ data: "other", split: "val", how: usual, isOwn: false },
  })
})

test("weights of no run, of runs with different data, and data that are gone are told", () => {
  const data = undivided()
  const [one, alike, other] = [["1"], ["1"], ["2"]].map((heldOut) => madeUpRun({ data, valSplit: "val" }, heldOut))
  const gone = madeUpRun({ data: "gone", valSplit: "val" })
  const toScore = (...weights: string[]) => dataToScore({ weights }, listening())
  const alone = join(tempFolder(), "w.safetensors")
  writeFileSync(alone, "")
  for (const weights of [alone, "coco"]) {
    expect(() => toScore(weights)).toThrow(`expected --data: ${weights} is not of a training run`)
  }
  expect(() => toScore("absent.safetensors")).toThrow("absent.safetensors: no such file")
  expect(toScore(one!, alike!, alone)).toMatchObject({ data, isOwn: true })
  expect(() => toScore(one!, other!)).toThrow(`expected --data: ${one} and ${other} were validated on different images`)
  expect(() => toScore(gone)).toThrow(`gone, the data of ${gone}, is not there. If it has moved, give its place with`)
})

test("the data of a run are there where a part of them is: a shard of a pattern, one of joined folders", () => {
  const folder = tempFolder()
  writeFiles(folder, { "train-000001.tar": "", "2007/a.txt": "" })
  const scored = (data: string) => dataToScore({ weights: madeUpRun({ data, valSplit: "val" }) }, listening()).data
  for (const data of ["train-{000000..000001}.tar", "{train,val}-000001.tar", "2007+2012"].map((name) =>
    join(folder, name),
  )) {
    expect(scored(data)).toBe(data)
  }
  for (const data of ["val-{000000..000001}.tar", "2008+2012", "photos{1}"].map((name) => join(folder, name))) {
    expect(() => scored(data)).toThrow(`${data}, the data of `)
  }
})

test("of data without splits the images held out are scored, or it is told how many were trained on", async () => {
  const data = undivided()
  const set = await readDataset(data, { split: "val" })
  const run = madeUpRun({ data, valSplit: "val" }, ["1", "3"])
  const scoredOf = (asked: object, { lines, log } = listening()) => {
    const toScore = dataToScore<string>({ weights: run, ...asked }, { log })
    return [
      scoredImages(set, toScore, { log })
        .images.map(({ id }) => id)
        .sort(),
      lines.at(-1),
    ]
  }
  const all = ["0", "1", "2", "3", "4"]
  const trained = `3 of 5 images are those that ${run} was trained on: what is measured on them says nothing of new photos`
  const better = "; without --data and --split the 2 that it held out are scored"
  expect(scoredOf({})).toEqual([["1", "3"], `scored are the 2 of 5 images that ${run} held out to validate on`])
  expect(scoredOf({ data: join(data, "..", data.split("/").at(-1)!, ".") })).toEqual([all, trained + better])
  expect(scoredOf({ split: "train" })).toEqual([all, trained + better])
  expect(scoredOf({ data: "elsewhere" })).toEqual([all, undefined])

  const { lines, log } = listening()
  const ofAll = madeUpRun({ data, valSplit: "val" })
  expect(scoredImages(set, dataToScore({ weights: ofAll }, listening()), { log })).toBe(set)
  expect(lines).toEqual([trained.replace("3 of 5", "5 of 5").replace(run, ofAll)])
})

const name = "the figures of a run's own data are those that it was validated with, also where they moved"
slowTest(name, { timeout: 300_000 }, async () => {
  const [data, out] = [undivided(), join(tempFolder(), "run")]
  const options = { data, out, size: 64, batch: 1, epochs: 1, model: "fasterrcnn_resnet18_fpn", seed: 1 }
  const { best } = await trainDetector({ ...options, detector: { select: { score: 0 } } })
  const { images, voc } = await evaluateDetector({ weights: out, engine: "tensorflow" })
  expect(best).toBeGreaterThan(0)
  expect([images, voc[0]!.voc12]).toEqual([1, best])
  const moved = join(tempFolder(), "moved")
  renameSync(data, moved)
  await expect(resumeDetector(out, { epochs: 2 })).rejects.toThrow(`${data}, the data of ${out}, is not there`)
  await resumeDetector(out, { epochs: 2, data: moved })
  expect(JSON.parse(readFileSync(join(out, "config.json"), "utf8"))).toMatchObject({ config: { data: moved } })
  expect((await evaluateDetector({ weights: out })).images).toBe(1)
})
