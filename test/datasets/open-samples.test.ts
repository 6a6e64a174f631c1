import { join } from "node:path"
import { expect, test } from "vitest"
import { faultPolicies } from "../../datasets/faults.js"
import { openSamples } from "../../datasets/open-samples.js"
import { PhotoFaults } from "../../datasets/photo-faults.js"
import { png, tempFolder, writeFiles } from "./samples.js"

test("photos come in the order given, failures as values in their place", async () => {
  const folder = tempFolder()
  writeFiles(folder, { "a.png": png(40, 30), "b.jpg": "no image", "c.png": png(30, 40) })
  const photos = ["a.png", "b.jpg", "c.png", "gone.png"].map((name) => ({ file: join(folder, name) }))
  const found = []
  for await (const { record, index, image, problems } of openSamples(photos)) {
    expect(record).toBe(photos[index])
    found.push([index, image?.height, image?.width, ...problems.map(({ kind }) => kind)])
  }
  expect(found).toEqual([
    [0, 30, 40],
    [1, undefined, undefined, "unreadable-image"],
    [2, 40, 30],
    [3, undefined, undefined, "missing-image"],
  ])
})

test("photos are asked for no further ahead than told, and a break closes them", async () => {
  let asked = 0
  let isClosed = false
  function* endless() {
    try {
      for (;;) {
        asked++
        yield { file: "made up", image: png(20, 20) }
      }
    } finally {
      isClosed = true
    }
  }
  for await (const { index } of openSamples(endless(), { ahead: 3 })) {
    expect(asked).toBe(index + 1 + 3)
    if (index === 5) break
  }
  expect(isClosed).toBe(true)
})

test("a fault is told once, however often its photo is opened, and its policy is obeyed", async () => {
  const folder = tempFolder()
  writeFiles(folder, { "a.png": png(40, 30) })
  const photo = { file: join(folder, "a.png"), width: 20, height: 15 }
  const open = async (faults: PhotoFaults) => {
    for await (const { image } of openSamples([photo, photo], { faults })) return image
    return null
  }
  const faults = new PhotoFaults(folder)
  expect(await open(faults)).toMatchObject({ width: 40, height: 30 })
  await open(faults)
  expect(faults.faults).toEqual([
    {
      kind: "size-mismatch",
      file: "a.png",
      message:
        "the file is 40x30, the annotation says 20x15: the file's size counts. It was perhaps resized after labelling: --size-mismatch scale then scales the boxes",
      action: "fixed",
    },
  ])
  expect(await open(new PhotoFaults(folder, { ...faultPolicies, "size-mismatch": "skip" }))).toBeUndefined()
  await expect(open(new PhotoFaults(folder, { ...faultPolicies, "size-mismatch": "fail" }))).rejects.toThrow(
    "a.png: size-mismatch: the file is 40x30",
  )
})
