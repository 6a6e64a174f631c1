import { join } from "node:path"
import { expect, test } from "vitest"
import { faultPolicies } from "../../../datasets/faults.js"
import { decodeImage } from "../../../datasets/image/decode.js"
import { RgbPhoto } from "../../../datasets/image/photo.js"
import { openInputs } from "../../../datasets/loader/open-inputs.js"
import { PhotoFaults } from "../../../datasets/photo-faults.js"
import { imageNet } from "../../../src/core/normalisation.js"
import { png, tempFolder, writeFiles } from "../samples.js"

const sizes = { size: 64, maxSize: 80 }

test.each([0, 1])("with %d threads, inputs come in the order given, as a photo's own input", async (workers) => {
  const folder = tempFolder()
  const images = { "a.png": png(40, 30), "c.png": png(30, 40) }
  writeFiles(folder, { ...images, "b.jpg": "no image" })
  const photos = ["a.png", "b.jpg", "c.png"].map((name) => ({ file: join(folder, name) }))
  const faults = new PhotoFaults(folder)
  const found = []
  for await (const { record, index, input } of openInputs(photos, { ...sizes, ...imageNet, faults, workers })) {
    expect(record).toBe(photos[index])
    found.push(input)
  }
  const [a, c] = await Promise.all(
    Object.values(images).map(async (file) => new RgbPhoto(await decodeImage(file)).input(sizes, imageNet)),
  )
  expect(found).toEqual([
    { pixels: a!.values, shape: a!.shape, height: 60, width: 80, imageHeight: 30, imageWidth: 40 },
    undefined,
    { pixels: c!.values, shape: c!.shape, height: 80, width: 60, imageHeight: 40, imageWidth: 30 },
  ])
  expect(faults.faults.map(({ kind, file }) => [kind, file])).toEqual([["unreadable-image", "b.jpg"]])
})

test("a policy that leaves a photo out, or stops, is obeyed", async () => {
  const photo = { file: "made up", image: png(40, 30), width: 20, height: 15 }
  const open = async (policy: "skip" | "fail") => {
    const faults = new PhotoFaults("", { ...faultPolicies, "size-mismatch": policy })
    for await (const { input } of openInputs([photo], { ...sizes, ...imageNet, faults, workers: 0 })) return input
    return null
  }
  expect(await open("skip")).toBeUndefined()
  await expect(open("fail")).rejects.toThrow("made up: size-mismatch")
})
