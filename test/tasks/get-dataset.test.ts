import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { strToU8, zipSync } from "fflate"
import { create } from "tar"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { DataError, UsageError } from "../../src/core/errors.js"
import { type PublishedData, publishedData } from "../../src/setup/published-data.js"
import { getDataset } from "../../src/tasks/get-dataset.js"

let folder = ""
let server: Server
let asked: string[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "resdet-data-"))
  vi.stubEnv("RESDET_CACHE", join(folder, "cache"))
  mkdirSync(join(folder, "served"))
  asked = []
  server = createServer((request, response) => {
    asked.push(request.url!.slice(1))
    response.end(readFileSync(join(folder, "served", request.url!)))
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  rmSync(folder, { recursive: true })
})

/** Archives as published ones, of which each is named after what is in it. */
function published(name: string, made: readonly string[], images: number): PublishedData {
  const like = publishedData.find((one) => one.name === name)!
  const archives = made.map((file) => {
    const hex = createHash("md5")
      .update(readFileSync(join(folder, "served", file)))
      .digest("hex")
    return { url: "http://nowhere.invalid", file, megabytes: 1, check: { algorithm: "md5", hex } as const }
  })
  return { ...like, archives, images }
}

async function makeTar(file: string, paths: readonly string[]): Promise<string> {
  const source = join(folder, `made-${file}`)
  for (const path of paths) {
    mkdirSync(dirname(join(source, path)), { recursive: true })
    writeFileSync(join(source, path), path)
  }
  await create({ file: join(folder, "served", file), cwd: source }, ["VOCdevkit"])
  return file
}

function makeZip(file: string, paths: readonly string[]): string {
  const entries = Object.fromEntries(paths.map((path) => [path, strToU8(path)]))
  writeFileSync(join(folder, "served", file), zipSync(entries))
  return file
}

const get = (data: PublishedData, options: object = {}) => {
  const from = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return getDataset({ name: data.name, out: join(folder, "data"), from, ...options }, {}, [data])
}

async function voc(images = 2): Promise<PublishedData> {
  const at = "VOCdevkit/VOC2007"
  const one = await makeTar("a.tar", [
    `${at}/JPEGImages/1.jpg`,
    `${at}/Annotations/1.xml`,
    `${at}/SegmentationClass/1.png`,
  ])
  const two = await makeTar("b.tar", [`${at}/JPEGImages/2.jpg`, `${at}/Annotations/2.xml`])
  return published("voc2007", [one, two], images)
}

test("VOC's archives make one folder, once, and leave nothing else", async () => {
  const data = await voc()
  const folderOf = join(folder, "data", "VOCdevkit")
  expect(await get(data)).toMatchObject({ name: "voc2007", folder: folderOf, images: 2 })
  expect(readdirSync(join(folderOf, "VOC2007", "JPEGImages")).sort()).toEqual(["1.jpg", "2.jpg"])
  expect(readdirSync(join(folder, "data"))).toEqual(["VOCdevkit"])
  expect(readdirSync(join(folder, "cache", "downloads"))).toEqual([])
  await get(data, { offline: true })
  expect(asked).toEqual(["a.tar", "b.tar"])
})

test("COCO's archives lie side by side", async () => {
  const made = [makeZip("x.zip", ["annotations/i.json"]), makeZip("y.zip", ["val2017/1.jpg", "val2017/2.jpg"])]
  const result = await get(published("coco2017", made, 2))
  expect(result.folder).toBe(join(folder, "data", "coco2017"))
  expect(readdirSync(result.folder).sort()).toEqual(["annotations", "val2017"])
})

test("an archive that is another is refused before anything is unpacked; the good ones are kept for the next try", async () => {
  const data = await voc()
  const [one, two] = data.archives as [PublishedData["archives"][number], PublishedData["archives"][number]]
  // Not any fixed beginning: an archive holds the time, so that its own may be the same.
  const hex = two.check.hex.startsWith("0") ? "1" : "0"
  const wrong = { ...data, archives: [one, { ...two, check: { ...two.check, hex } }] }
  await expect(get(wrong)).rejects.toThrow(new RegExp(`its MD5 begins .*, expected ${hex}`))
  expect(existsSync(join(folder, "data"))).toBe(false)
  await get(data)
  expect(asked).toEqual(["a.tar", "b.tar", "b.tar"])
})

test("missing images are told", async () => {
  await expect(get(await voc(3))).rejects.toThrow(DataError)
})

test("--offline names the first archive to be put into the cache; an unknown name gets the nearest", async () => {
  await expect(get(await voc(), { offline: true })).rejects.toThrow(/^--offline: a\.tar is not here\. Put a\.tar into/)
  await expect(getDataset({ name: "voc207" })).rejects.toThrow(UsageError)
  await expect(getDataset({ name: "voc207" })).rejects.toThrow(/Did you mean "voc2007"/)
})
