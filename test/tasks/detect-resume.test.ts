import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { DataError, UsageError } from "../../src/core/errors.js"
import { WriteError } from "../../src/core/write-whole.js"
import { type DetectParts, detectWith } from "../../src/tasks/detect-folder.js"
import { mergeDetections } from "../../src/tasks/merge-detections.js"
import { decodeDummy, dummyDetector } from "../support/dummy-detector.js"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "resdet-resume-"))
  mkdirSync(join(folder, "photos/sub"), { recursive: true })
  for (let i = 0; i < 8; i++) writeFileSync(join(folder, `photos/${i}.jpg`), `${i + 1}x6`)
  writeFileSync(join(folder, "photos/3.jpg"), "broken")
  // Needs its ending in the names of output.
  writeFileSync(join(folder, "photos/7.png"), "4x2")
  writeFileSync(join(folder, "photos/sub/0.jpg"), "4x2")
})
afterEach(() => rmSync(folder, { recursive: true }))

function parts(network = dummyDetector()): DetectParts {
  return {
    openNetwork: async () => network,
    decode: decodeDummy,
    draw: async ({ width }, detections) => Buffer.from(`${width} with ${detections.length}`),
    encode: async ({ width }) => Buffer.from(`${width}`),
  }
}

const formats = ["coco", "voc", "yolo", "csv"]

async function detect(out: string, options: object = {}, stopAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController()
  let seen = 0
  const network = dummyDetector()
  const given = { weights: "w", source: join(folder, "photos"), crops: true, score: 0, format: formats, ...options }
  const onImage = () => ++seen >= stopAfter && stop.abort()
  const result = await detectWith(
    parts(network),
    { ...given, out: join(folder, out) },
    { signal: stop.signal, onImage },
  )
  return { ...result, seen: network.seen.length }
}

/** Every file below a folder with what is in it. */
function contents(out: string): Record<string, string> {
  const root = join(folder, out)
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).sort()
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]))
}

const log = (out: string) => join(folder, out, "detections.jsonl")

describe("an output that has results", () => {
  test("is refused, and stays as it is", async () => {
    await detect("out")
    const before = contents("out")
    await expect(detect("out", { score: 1 })).rejects.toThrow(
      new UsageError(
        `${join(folder, "out")} has detect.json already: nothing is overwritten. Go on with --resume, or choose another --out`,
      ),
    )
    expect(contents("out")).toEqual(before)
  })

  test.each(["detections.jsonl", "coco_results.json", "images/a.jpg", "labels/a.txt"])(
    "is one that has %s alone, also for --resume",
    async (name) => {
      mkdirSync(join(folder, "out", "images"), { recursive: true })
      mkdirSync(join(folder, "out", "labels"))
      if (!name.includes("/"))
        for (const inner of ["images", "labels"]) rmSync(join(folder, "out", inner), { recursive: true })
      writeFileSync(join(folder, "out", name), "theirs")
      await expect(detect("out")).rejects.toThrow(UsageError)
      await expect(detect("out", { resume: true })).rejects.toThrow(/nothing is overwritten\. Choose another --out$/)
      expect(readFileSync(join(folder, "out", name), "utf8")).toBe("theirs")
    },
  )

  test.each([false, true])(
    "is none where a run failed before its first image was done (--resume: %s)",
    async (resume) => {
      await detect("whole")
      const fails = { ...dummyDetector(), detect: () => Promise.reject(new UsageError("no flip")) }
      const given = { weights: "w", source: join(folder, "photos"), out: join(folder, "out"), flip: true }
      await expect(detectWith(parts(fails), given)).rejects.toThrow("no flip")
      expect(contents("out")["detections.jsonl"]).toBe("")
      await detect("out", { resume })
      expect(contents("out")).toEqual(contents("whole"))
    },
  )

  test("is one of a shard that has no images too", async () => {
    await detect("out", { shard: "11/12" })
    await expect(detect("out")).rejects.toThrow(/has detect\.json already/)
  })

  test("is none where the folder only has other files", async () => {
    mkdirSync(join(folder, "out"))
    writeFileSync(join(folder, "out", "notes.txt"), "mine")
    await detect("out")
    expect(contents("out")["notes.txt"]).toBe("mine")
  })
})

test("the log has a line an image, and an error where one could not be read", async () => {
  await detect("out")
  const lines = readFileSync(log("out"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
  expect(lines).toHaveLength(10)
  expect(lines[3]).toEqual({ image: "3.jpg", error: "not an image", detections: [] })
  expect(lines[7]).toMatchObject({ image: "7.jpg", stem: "7.jpg", width: 8, height: 6 })
})

describe("--resume", () => {
  test.each([0, 1, 3, 5, 9])("after %i images and a half line gives the same bytes", async (done) => {
    const whole = await detect("whole")
    if (done > 0) await detect("out", {}, done)
    else mkdirSync(join(folder, "out"))
    if (done > 0) {
      // As a kill leaves it: no files but the log's, which ends in the middle of a line.
      for (const name of ["coco_results.json", "coco_images.json", "detections.csv", "voc", "labels"]) {
        rmSync(join(folder, "out", name), { recursive: true, force: true })
      }
      appendFileSync(log("out"), '{"image":"8.j')
    }
    const { seen, ...result } = await detect("out", { resume: true })
    expect(seen).toBe(9 - (done > 3 ? done - 1 : done))
    const { seen: _, ...expected } = { ...whole, folder: "", imagesPerSecond: expect.any(Number) }
    expect({ ...result, folder: "" }).toEqual(expected)
    expect(contents("out")).toEqual(contents("whole"))
  })

  test("of a finished run looks at nothing again, and counts what could not be read", async () => {
    await detect("out")
    const before = contents("out")
    expect(await detect("out", { resume: true })).toMatchObject({ seen: 0, images: 10, skipped: 1, finished: true })
    expect(contents("out")).toEqual(before)
  })

  test("refuses other options, another source, and a source that has changed", async () => {
    await detect("out", {}, 5)
    await expect(detect("out", { resume: true, score: 0.5 })).rejects.toThrow(
      /^--resume: .* begun with another options/,
    )
    await expect(detect("out", { resume: true, shard: "0/2" })).rejects.toThrow(/begun with another shard/)
    await expect(detect("out", { resume: true, source: join(folder, "photos/sub") })).rejects.toThrow(/another source/)
    rmSync(join(folder, "photos/1.jpg"))
    await expect(detect("out", { resume: true })).rejects.toThrow(/line 2: expected 2\.jpg, got 1\.jpg: the source has/)
  })

  test.each([
    [{ crops: false }, "crops: true and false"],
    [{ draw: false }, "draw: true and false"],
    [{ lineWidth: 3 }, "lineWidth: null and 3"],
    [{ hideLabels: true }, "hideLabels: false and true"],
    [{ hideScores: true }, "hideScores: false and true"],
    [{ labels: "yolo" }, 'labels: "coco" and "yolo"'],
    [{ labels: undefined }, 'labels: "coco" and null'],
    [{ below: 0.7 }, "below: 0.5 and 0.7"],
  ])("refuses %o, which would not be those of the images before", async (other, difference) => {
    const options = { labels: "coco", below: 0.5 }
    await detect("out", options, 2)
    await expect(detect("out", { ...options, resume: true, ...other })).rejects.toThrow(
      `--resume: ${join(folder, "out")} was begun with another ${difference}. Use the same, or another --out`,
    )
    await detect("out", { ...options, resume: true })
  })

  test("takes labels that are first asked for then, and a record of an earlier version, which tells of none", async () => {
    await detect("out", {}, 2)
    const path = join(folder, "out", "detect.json")
    const { draw, crops, lineWidth, hideLabels, hideScores, labels, below, ...old } = JSON.parse(
      readFileSync(path, "utf8"),
    )
    expect([draw, crops, labels, below]).toEqual([true, true, null, null])
    expect(await detect("out", { resume: true, below: 0.5 })).toMatchObject({ unsure: { images: 9 } })
    writeFileSync(path, JSON.stringify(old))
    expect(await detect("out", { resume: true, crops: false })).toMatchObject({ finished: true, seen: 0 })
  })

  test("notices other weights of the same size, but where the record is of a version that knew no more", async () => {
    const weights = join(folder, "w.safetensors")
    writeFileSync(weights, "one")
    await detect("out", { weights }, 2)
    writeFileSync(weights, "two")
    await expect(detect("out", { weights, resume: true })).rejects.toThrow(/begun with another weights: /)
    const path = join(folder, "out", "detect.json")
    writeFileSync(path, readFileSync(path, "utf8").replace(/,\s*"sha256": "\w+"/, ""))
    expect(await detect("out", { weights, resume: true })).toMatchObject({ finished: true })
  })

  test("needs the folder", async () => {
    const options = { weights: "w", source: join(folder, "photos"), resume: true }
    await expect(detectWith(parts(), options)).rejects.toThrow(
      new UsageError("--resume: expected --out with it, the folder of the run"),
    )
  })

  test("refuses a log with a line that is none of its own", async () => {
    await detect("out", {}, 2)
    appendFileSync(log("out"), "[]\n")
    await expect(detect("out", { resume: true })).rejects.toThrow(
      new DataError(`${log("out")}, line 3: expected an image and its detections`),
    )
  })

  const found = { label: "dog", classId: 1, score: 0.5, box: [1, 1, 2, 2] }
  test.each([
    [{ detections: [{ ...found, classId: 9 }] }, '"dog" is not class 9 of detect.json'],
    [
      { detections: [{ ...found, box: [1, 1, 2, "1e999"] }] },
      "expected each detection's label, classId, score and box",
    ],
    [{ height: -6 }, "expected the image's width and height"],
    [{ stem: "../../a" }, 'expected a name inside the folder, got "../../a"'],
  ])("refuses a log that tells %j", async (wrong, message) => {
    await detect("out", {}, 1)
    const line = JSON.stringify({ image: "0.jpg", width: 1, height: 6, detections: [found], ...wrong })
    writeFileSync(log("out"), `${line.replace('"1e999"', "1e999")}\n`)
    await expect(detect("out", { resume: true })).rejects.toThrow(`${log("out")}, line 1: ${message}`)
  })

  test("of a run that a full disk ended has what it had found, and gives the same bytes, without what a kill left half written", async () => {
    await detect("whole")
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
    let drawn = 0
    const draw: DetectParts["draw"] = async (...args) => {
      if (++drawn === 4) throw new WriteError("3.jpg", full)
      return parts().draw(...args)
    }
    const given = { weights: "w", source: join(folder, "photos"), crops: true, score: 0, format: formats }
    await expect(detectWith({ ...parts(), draw }, { ...given, out: join(folder, "out") })).rejects.toThrow(
      `3.jpg: cannot be written (ENOSPC: no space left on device, write). 4 images are done; go on with --out ${join(folder, "out")} --resume`,
    )
    expect(readFileSync(log("out"), "utf8").split("\n")).toHaveLength(5)
    for (const where of [".", "images", "crops"])
      writeFileSync(join(folder, "out", where, ".0b2ac0e7-d04a.part"), "half")
    await detect("out", { resume: true })
    expect(contents("out")).toEqual(contents("whole"))
  })

  test("refuses a record that makes no sense", async () => {
    await detect("out", {}, 2)
    const record = join(folder, "out", "detect.json")
    const whole = JSON.parse(readFileSync(record, "utf8"))
    for (const wrong of [
      { formats: ["jsonl"] },
      { categoryIds: [1, 2, 3, 4, 5] },
      { shard: { index: -1, count: 0 } },
    ]) {
      writeFileSync(record, JSON.stringify({ ...whole, ...wrong }))
      await expect(detect("out", { resume: true })).rejects.toThrow(`${record}: it is no record of detect`)
    }
  })
})

describe("shards", () => {
  const shardsOf = async (count: number, options: object = {}) => {
    const names = Array.from({ length: count }, (_, i) => `shard${i}`)
    for (const [i, name] of names.entries()) await detect(name, { ...options, shard: `${i}/${count}` })
    return names.map((name) => join(folder, name))
  }

  test.each([1, 2, 3, 10, 12])("of %i merge into the bytes of one run, pictures and crops too", async (count) => {
    await detect("whole")
    const shards = await shardsOf(count)
    const merged = await mergeDetections({ shards: shards.reverse(), out: join(folder, "merged") })
    expect(merged).toEqual({ folder: join(folder, "merged"), images: 10, skipped: 1 })
    expect(contents("merged")).toEqual(contents("whole"))
  })

  test.each(["voc", "yolo", "coco"])(
    "have the labels (%s) and the unsure images of one run when they are merged",
    async (labels) => {
      const options = { labels, below: 0.8, score: 0.5 }
      await detect("whole", options)
      const out = join(folder, "merged")
      const merged = await mergeDetections({ shards: await shardsOf(3, options), out })
      expect(merged).toMatchObject({ labels: join(out, "dataset"), unsure: { images: 9 } })
      expect(contents("merged")).toEqual(contents("whole"))
    },
  )

  test("with labels are merged only where their images are", async () => {
    const shards = await shardsOf(2, { labels: "yolo" })
    rmSync(join(folder, "photos"), { recursive: true })
    await expect(mergeDetections({ shards, out: join(folder, "merged") })).rejects.toThrow(
      `${join(folder, "photos")}: no such file or folder`,
    )
    expect(readdirSync(folder)).not.toContain("merged")
  })

  test("are not merged into a folder that has results, and no --resume is named, which merge has not", async () => {
    const shards = await shardsOf(2)
    await expect(mergeDetections({ shards, out: shards[0]! })).rejects.toThrow(
      new UsageError(`${shards[0]} has detect.json already: nothing is overwritten. Choose another --out`),
    )
  })

  test("that are missing, doubled, unfinished or another run's are refused", async () => {
    const [a, b, c] = (await shardsOf(3)) as [string, string, string]
    const merge = (...shards: string[]) => mergeDetections({ shards, out: join(folder, "merged") })
    await expect(merge(a, c)).rejects.toThrow(new UsageError("shards are missing: 1/3"))
    await expect(merge(a, b, b)).rejects.toThrow(`${b} and ${b} are both shard 1/3`)
    await detect("other", { shard: "2/3", score: 0.5 })
    await expect(merge(a, b, join(folder, "other"))).rejects.toThrow(/is no shard of the run of .*: options /)
    await detect("half", { shard: "2/3" }, 1)
    await expect(merge(a, b, join(folder, "half"))).rejects.toThrow(/shard 2\/3 is not finished/)
    await detect("whole")
    await expect(merge(join(folder, "whole"))).rejects.toThrow(/expected a shard, got a run that was not shared/)
    await expect(merge(join(folder, "photos"))).rejects.toThrow(/expected the results of detect, found no detect\.json/)
    expect(readdirSync(folder)).not.toContain("merged")
  })

  test.each(["1/1", "a/2", "-1/2", "1", "0/0"])("--shard %s is refused", async (shard) => {
    await expect(detect("out", { shard })).rejects.toThrow(UsageError)
  })
})

describe("a source and an output of which one is in the other", () => {
  test.each([
    ["the output in the source", "photos", "photos/found", 10],
    ["the source in the output", "photos", ".", 10],
    ["both the same", "photos", "photos", 10],
  ])("%s: the run does not feed on its pictures, nor does its resume", async (_, source, out, count) => {
    const options = { source: join(folder, source) }
    expect(await detect(out, options)).toMatchObject({ images: count })
    expect(await detect(out, { ...options, resume: true })).toMatchObject({ images: count, seen: 0 })
  })

  test("pictures are never written among those they are made of", async () => {
    mkdirSync(join(folder, "images"))
    writeFileSync(join(folder, "images/a.jpg"), "8x6")
    await expect(detect(".", { source: join(folder, "images") })).rejects.toThrow(/holds the images of --source/)
    expect(readFileSync(join(folder, "images/a.jpg"), "utf8")).toBe("8x6")
  })
})
